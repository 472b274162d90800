"""Averages of the parameters: kept in the state, laid out as they are, right on every mesh."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from bvc.compile.layout import lay_out
from bvc.compile.state import State, state_specs
from bvc.runtime.checkpoints.leaves import named
from tests.compile.parts import MESHES, OBJECTIVE, checked, compiled, run
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


@pytest.mark.slow
def test_the_average_of_the_steps_on_every_mesh(tmp_path: Path) -> None:
    program = compiled(tmp_path, EMA, OBJECTIVE)
    seen: list[State] = []
    run(program, *MESHES[0], seen=seen)
    first, second = seen
    assert program.ema is not None
    # nothing remains of the start in the first step, 3/8 of the first step in the second
    for one, two, average in zip(
        jax.tree.leaves(first.params),
        jax.tree.leaves(second.params),
        jax.tree.leaves(program.ema.averaged(second.params, second.ema or {})),
        strict=True,
    ):
        np.testing.assert_allclose(average, 0.375 * one + 0.625 * two, rtol=1e-5, atol=1e-6)
    split, _ = run(program, *MESHES[1], steps=2)
    for name, average in (split.ema or {}).items():
        np.testing.assert_allclose(average, (second.ema or {})[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("table", "code"), [("decay = 1.5", "B0113"), ("", "B0101"), ("decy = 0.9", "B0102")]
)
def test_what_is_wrong_is_told(tmp_path: Path, table: str, code: str) -> None:
    found = checked(tmp_path, OBJECTIVE, "[ema]", table).diagnostics
    assert [diagnostic.code for diagnostic in found] == [code], found
