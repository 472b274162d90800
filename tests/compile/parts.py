"""Small specs with the parts of a step, and their runs on virtual devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from bvc.check import Checked, check
from bvc.compile.mesh.mesh import Grid
from bvc.compile.program import Program
from bvc.compile.step.state import State, first_state, state_shardings
from bvc.compile.step.step import compile_step, frozen_shardings
from bvc.component import Loss, component
from bvc.ir import LayoutRule
from tests.compile.toy import grid_of, shard

VIT = """
type = "vit"
size = 8
patch = 4
width = 16
depth = 1
heads = 2
out_dim = 8
head_zeroinit = false
"""
"""The smallest classifier."""

DATA = """
[data.train]
name = "shapes"
split = "train"
batch = 16
pipeline = [
  "decode", "resize(8)", "value_range(-1, 1)", "onehot(8, key='label', to='labels')", "keep('image', 'labels')",
]
"""
"""Scenes of that size."""

SPEC = f"""
{DATA}
[model]
{VIT}
[optimizer]
type = "sgd"
lr = 0.1

[run]
length = "4 steps"
"""
OBJECTIVE = '[objective]\ntype = "softmax_xent"\n'
MESHES: tuple[tuple[dict[str, int], Sequence[LayoutRule]], ...] = (
    ({"data": 1}, ()),
    ({"data": 2, "fsdp": 4}, (shard(".*", "fsdp"),)),
)


@component("objective", name="scaled_by_draw")
def scaled(logits: Float[Array, "b c"], factor: Int[Array, "b"]) -> Loss:
    """Sum of the logits times a draw.

    Ports:
        logits: one number for each class
        factor: the draw
    """
    return Loss.mean(logits.sum(axis=1) * factor)


def checked(folder: Path, *tables: str, spec: str = SPEC) -> Checked:
    """What bvc says of a spec with further tables."""
    file = folder / "spec.toml"
    file.write_text("\n".join((spec, *tables)))
    return check(str(file))


def compiled(folder: Path, *tables: str, spec: str = SPEC) -> Program:
    """The program of a spec with further tables, which must be right."""
    found = checked(folder, *tables, spec=spec)
    assert found.program is not None, found.diagnostics
    return found.program


def run(
    program: Program,
    axes: Mapping[str, int],
    layout: Sequence[LayoutRule],
    steps: int = 2,
    given: Mapping[str, float] | None = None,
    seen: list[State] | None = None,
    **settings: Any,
) -> tuple[State, list[dict[str, float]]]:
    """Train on virtual devices with random batches.

    Features `given` have one value throughout; the state of every step is added to `seen`.
    """
    grid: Grid = grid_of(axes)
    experiment = replace(program.experiment, layout=tuple(layout))
    training = replace(replace(program, experiment=experiment).training(grid), **settings)
    mesh = grid.place(jax.devices()[: grid.size])

    state = first_state(filled(program.params), program.update, program.ema)
    state = jax.device_put(state, state_shardings(program.state, training.layout, mesh))
    frozen = jax.device_put(
        {each.name: filled(each.params) for each in training.frozen}, frozen_shardings(training, mesh)
    )
    step = compile_step(training, mesh, state)
    told: list[dict[str, float]] = []
    random = np.random.default_rng(0)
    for _ in range(steps):
        batch = {name: random.random(array.shape, np.float32) for name, array in program.batch.items()}
        for name, value in (given or {}).items():
            batch[name] = np.full(program.batch[name].shape, value, program.batch[name].dtype)
        state, metrics = step(state, batch, frozen) if frozen else step(state, batch)
        told.append({name: float(value) for name, value in metrics.items()})
        if seen is not None:
            seen.append(jax.device_get(state))
    return jax.device_get(state), told


def filled(params: PyTree[jax.ShapeDtypeStruct]) -> PyTree[np.ndarray]:
    """Values for abstract parameters; faster than to compile their initialization."""
    random = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: (0.3 * random.normal(size=leaf.shape)).astype(leaf.dtype), params)


def agree(ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]]) -> None:
    """Two runs tell the same."""
    assert ours[0].keys() == theirs[0].keys()
    for name in theirs[0]:
        np.testing.assert_allclose(
            [told[name] for told in ours], [told[name] for told in theirs], rtol=3e-5, atol=1e-7, err_msg=name
        )
