"""Averages of the parameters: kept in the state, laid out as they are, right on every mesh."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.compile.mesh.layout import lay_out
from bvc.compile.step.state import state_specs
from bvc.runtime.checkpoints.leaves import named
from tests.compile.parts import MESHES, OBJECTIVE, checked, compiled
from tests.compile.toy import grid_of

EMA = '[ema]\ndecay = 0.75\nschedule = { type = "constant", warmup = "2 steps" }'


def test_what_changes_is_averaged_and_lies_as_its_parameter(tmp_path: Path) -> None:
    program = compiled(tmp_path, EMA, OBJECTIVE)
    axes, layout = MESHES[1]
    specs = state_specs(program.state, lay_out(layout, program.params, grid_of(axes)))
    assert specs.ema is not None
    assert any("fsdp" in spec for spec in specs.ema.values())
    assert {name.removeprefix("ema/") for name in named(program.state) if name.startswith("ema/")} == {
        name.removeprefix("params/") for name in named(program.state) if name.startswith("params/")
    }


@pytest.mark.parametrize(
    ("table", "code"), [("decay = 1.5", "B0113"), ("", "B0101"), ("decy = 0.9", "B0102")]
)
def test_what_is_wrong_is_told(tmp_path: Path, table: str, code: str) -> None:
    found = checked(tmp_path, OBJECTIVE, "[ema]", table).diagnostics
    assert [diagnostic.code for diagnostic in found] == [code], found
