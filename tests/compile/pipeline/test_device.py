"""Ops that run on the devices: the same bits, fewer bytes on the way."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import numpy as np
import pytest

from bvc.compile.pipeline.device import DevicePart
from bvc.compile.pipeline.pipeline import compile_pipeline, split_pipeline
from bvc.component.feature import Feature, Features
from bvc.runtime.feed.batches import stacked
from tests.pipelines import bound

RAW: Features = {"image": Feature("uint8", ("h", "w", 3)), "label": Feature("int64")}
NEEDED = ("image", "labels")


def example(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"image": rng.integers(0, 256, (30, 40, 3), np.uint8), "label": np.asarray(rng.integers(0, 9))}


def both(*calls: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, str], DevicePart]:
    """A batch by the host alone, the same by host and device, and the types of what travels."""
    ops = bound(*calls)
    host = compile_pipeline(RAW, ops, NEEDED)
    part, device = split_pipeline(RAW, ops, NEEDED)
    alone = stacked([host.apply(example(i), 0, 0, i) for i in range(4)])
    travels = stacked([part.apply(example(i), 0, 0, i) for i in range(4)])
    made = jax.device_get(jax.jit(device)(travels))
    return alone, made, {name: str(feature) for name, feature in part.outputs.items()}, device


@pytest.mark.parametrize(
    "scale",
    [
        "value_range(-1, 1)",
        "value_range(0, 1)",
        "value_range(-1, 1, 0, 200, true)",
        "value_range(0, 1, in_min=[10, 20.5, 30], in_max=[200, 210, 250.0])",
        "vgg_value_range",
        "clip_value_range",
    ],
)
def test_the_device_computes_the_same_bits(scale: str) -> None:
    calls = ("resize(8)", "flip_lr", scale, "onehot(12, key='label', to='labels')", "keep('image', 'labels')")
    alone, made, travels, device = both(*calls)
    assert all(
        np.array_equal(alone[name], made[name]) and alone[name].dtype == made[name].dtype for name in NEEDED
    )
    assert travels == {"image": "u8[8 8 3]", "labels": "i64"}
    assert len(device.ops) == 2


@pytest.mark.parametrize(
    ("calls", "lowered"),
    [
        (("resize(8)", "copy('label', 'labels')", "value_range(-1, 1)"), {"image"}),
        (("resize(8)", "copy('label', 'labels')", "value_range(-1, 1)", "resize(6)"), set()),
        (("resize(8)", "copy('label', 'labels')", "value_range(-1, 1)", "value_range(0, 2, -1, 1)"), set()),
        (("resize(8)", "value_range(-1, 1)", "copy('image', 'labels')"), {"image", "labels"}),
        (("resize(8)", "copy('image', 'labels')", "value_range(-1, 1)", "flatten"), {"image"}),
        (("resize(8)", "copy('image', 'labels')", "value_range(-1, 1, key='labels')"), {"labels"}),
    ],
)
def test_only_what_no_later_op_reads_is_left_to_the_device(calls: tuple[str, ...], lowered: set[str]) -> None:
    alone, made, _, device = both(*calls)
    assert {op.feature for op in device.ops} == lowered
    assert all(np.array_equal(alone[name], made[name]) for name in NEEDED)


def test_orders_of_ops_change_nothing() -> None:
    ops = ("value_range(-1, 1)", "onehot(12, key='label', to='labels')", "flip_lr")
    for order in itertools.permutations(ops):
        alone, made, _, _ = both("resize(8)", *order)
        assert all(np.array_equal(alone[name], made[name]) for name in NEEDED)
