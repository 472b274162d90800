"""Twenty steps with every part of a step at once are the same, however many devices there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

from bvc.compile.program import Program
from bvc.compile.step.state import State
from bvc.ir import LayoutRule
from bvc.plan.schedules import schedule_charts
from bvc.runtime.checkpoints.leaves import named
from tests.compile.parts import SPEC, VIT, compiled, run
from tests.compile.toy import shard

STEPS = 20
DRAWN = {"draws.factor": 3}
PARTS = f"""
[frozen.prof]
{VIT}
[draws.factor]
values = [1, 3]

[objective.terms.task]
type = "softmax_xent"

[objective.terms.teach]
type = "distill"
weight = {{ peak = 2.0, type = "linear", end = 0.5, warmup = "1 steps" }}
feeds = {{ teacher = "frozen.prof.logits" }}

[objective.terms.drawn]
type = "scaled_by_draw"
weight = 0.01
feeds = {{ factor = "draws.factor" }}

[perturbation]
rho = 0.05
alpha = 0.1

[ema]
decay = 0.75
schedule = {{ type = "constant", warmup = "2 steps" }}
"""
# analytically zero are the gradients of the biases of keys: scaled to size, they would be noise
OPTIMIZER = """
type = "adafactor"
min_dim_size_to_factor = 4
momentum_dtype = "float32"
clip_norm = 0.5
weight_decay = 0.01
schedule = { type = "cosine", warmup = "10%" }
rules = [{ match = ".*/key/bias", freeze = true }]
lr = 0.01
"""
WHOLE = (
    SPEC.replace("\n]\n\n[model]", '\n]\ntransforms = ["mixup(0.5)"]\n\n[model]')
    .replace("depth = 1\nheads = 2", "depth = 2\nheads = 4\ndropout = 0.2")
    .replace('type = "sgd"\nlr = 0.1', OPTIMIZER)
    .replace("4 steps", f"{STEPS} steps")
)
TENSOR = (
    shard("blocks/.*/attention/(query|key|value)/kernel", "tensor", dim=1),
    shard("blocks/.*/attention/(query|key|value)/bias", "tensor", dim=0),
    shard("blocks/.*/attention/out/kernel", "tensor", dim=0),
    shard("blocks/.*/mlp/up/kernel", "tensor", dim=1),
    shard("blocks/.*/mlp/up/bias", "tensor", dim=0),
    shard("blocks/.*/mlp/down/kernel", "tensor", dim=0),
)
FSDP = (shard(".*", "fsdp"),)
MESHES: tuple[tuple[dict[str, int], Sequence[LayoutRule], int], ...] = (
    ({"data": 8}, (), 1),
    ({"fsdp": 8}, FSDP, 1),
    ({"data": 4, "fsdp": 2}, FSDP, 2),
    ({"data": 2, "fsdp": 2, "tensor": 2}, (*TENSOR, *FSDP), 1),
)
"""Axes, layout, and in how many parts each device works off its examples."""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    found = compiled(tmp_path_factory.mktemp("spec"), PARTS, spec=WHOLE)
    assert found.transforms and found.forward.takes_keys, "mixup and dropout take part"
    return found


@pytest.fixture(scope="module")
def alone(program: Program) -> tuple[list[State], list[dict[str, float]]]:
    """States and metrics of twenty steps on one device."""
    states: list[State] = []
    _, told = run(program, {"data": 1}, (), STEPS, DRAWN, states, unroll=True)
    return states, told


@pytest.mark.parametrize(("axes", "layout", "parts"), MESHES, ids=[str(mesh[0]) for mesh in MESHES])
def test_twenty_steps(axes: dict[str, int], layout: Any, parts: int, program: Program, alone: Any) -> None:
    states, expected = alone
    state, told = run(program, axes, layout, STEPS, DRAWN, unroll=True, parts=parts)
    for name in expected[0]:
        np.testing.assert_allclose(
            [row[name] for row in told], [row[name] for row in expected], rtol=1e-4, atol=1e-6, err_msg=name
        )
    ours, theirs = named(state), named(states[-1])
    assert ours.keys() == theirs.keys()
    for name, leaf in theirs.items():
        np.testing.assert_allclose(ours[name], leaf, rtol=1e-3, atol=1e-5, err_msg=name)


def test_terms_add_up_with_weights_that_follow_their_schedules(program: Program, alone: Any) -> None:
    weights = [0.0, *np.linspace(2.0, 1.0, STEPS)[: STEPS - 1]]
    charts = {chart.title: chart for chart in schedule_charts(program)}
    np.testing.assert_allclose(charts["weight of teach"].series[0].y[:STEPS], weights, rtol=1e-6)
    for row, weight in zip(alone[1], weights, strict=True):
        total = row["loss_task"] + weight * row["loss_teach"] + 0.01 * row["loss_drawn"]
        np.testing.assert_allclose(row["training_loss"], total, rtol=1e-5)
        assert row["rho"] == pytest.approx(0.05)
        assert row["l2_grads"] > 0.5, "the norm is clipped"


def test_averages_follow_their_schedule(program: Program, alone: Any) -> None:
    first, second, *_ = alone[0]
    assert program.ema is not None
    # nothing remains of the start in the first step, 3/8 of the first step in the second
    averages = program.ema.averaged(second.params, second.ema or {})
    for one, two, average in zip(*map(jax.tree.leaves, (first.params, second.params, averages)), strict=True):
        np.testing.assert_allclose(average, 0.375 * one + 0.625 * two, rtol=1e-5, atol=1e-6)
