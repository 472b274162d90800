"""Evaluations of a spec on one and on eight devices: every example counts once, and bad input is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.diagnostics import Failed
from tests.library.evaluators.topology import metrics

HERE = Path(__file__).parent


@pytest.mark.slow
def test_zeroshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("red star\ngreen star\nblue ring\n")
    Path("templates.txt").write_text("{}\na {}, above a {}\n")
    spec = HERE / "zeroshot.toml"
    alone, eight = metrics(spec, 1), metrics(spec, 8)
    assert list(alone) == ["several_accuracy"]
    assert alone == eight
    assert all(value * 19 == pytest.approx(round(value * 19)) for value in alone.values())

    Path("names.txt").unlink()
    with pytest.raises(Failed, match="B0502: no file `names.txt`"):
        metrics(spec, 1)
