"""Dtypes of parameters and of sums over devices, as the spec says."""

from __future__ import annotations

from pathlib import Path

import jax
import pytest

from bvc.compile.mesh.mesh import Grid
from bvc.compile.step.step import abstract_step
from tests.compile.parts import OBJECTIVE, checked, compiled

HALF = '[precision]\nparameters = "bfloat16"\nreduce = "bfloat16"'


def test_parameters_and_the_optimizers_state_are_kept_in_it(tmp_path: Path) -> None:
    program = compiled(tmp_path, OBJECTIVE, HALF)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(program.params)} == {"bfloat16"}
    model = jax.eval_shape(program.initialize, jax.eval_shape(lambda: jax.random.key(0)))
    assert jax.tree.map(lambda leaf: leaf.dtype, program.params) == jax.tree.map(
        lambda leaf: leaf.dtype, jax.tree.map(lambda leaf: leaf, model)
    )


@pytest.mark.parametrize(("table", "dtype"), [('reduce = "bfloat16"', "bf16"), ("", "f32")])
def test_gradients_are_summed_in_it(tmp_path: Path, table: str, dtype: str) -> None:
    program = compiled(tmp_path, OBJECTIVE, "[precision]", table)
    training = program.training(Grid({"data": 8}, ("data",)))
    step = abstract_step(training, program.state, program.batch)
    sums = [line for line in str(step).splitlines() if " psum" in line and f"{dtype}[16,64]" in line]
    assert sums


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    found = checked(tmp_path, OBJECTIVE, '[precision]\nparameters = "float16"').diagnostics
    assert [diagnostic.code for diagnostic in found] == ["B0111"]
