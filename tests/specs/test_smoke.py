"""Every spec runs for two steps when it is made small, whatever this machine lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.cli.run import smoke

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").glob("*.toml"))


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_smoke(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke(str(path), []) == 0
    assert "step 2/2" in capsys.readouterr().err
