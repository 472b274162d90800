"""Every spec runs for two steps when it is made small, whatever this machine lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.forks import fork

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").glob("*.toml"))
SMALLER = {path: ":local" for path in SPECS if path.stem.startswith("uvim")}
"""Maps of 512 x 512 pixels in 234 classes take 40 s; `tests/golden` plans these specs at full size."""


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_smoke(path: Path, tmp_path: Path) -> None:
    spec = f"{path}{SMALLER.get(path, '')}"
    run = fork(tmp_path, "run", spec, "--smoke", cache=tmp_path, output=tmp_path / "output", in_haste=True)
    assert run.ended() == 0, run.printed
    assert "step 2/2" in run.printed
