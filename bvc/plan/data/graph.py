"""A pipeline before and after compilation: what became of each op, and what passes between them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bvc.compile.pipeline.device import left_to_devices, lower
from bvc.compile.pipeline.pipeline import NARROW, as_written, compile_pipeline, live_steps
from bvc.compile.pipeline.types import TypedOp, follow
from bvc.component.feature import Feature, Features
from bvc.ir import OpNode
from bvc.plan.data.cost import Cost, Costs, measure
from bvc.plan.drawn import drawn

Fate = Literal["host", "joined", "device", "dropped"]
_EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class OpRow:
    """One op of a pipeline.

    Attributes:
        op: its name.
        fate: `host`: it runs there; `joined`: it became part of a later op (`into`); `device`: it runs there, after
            batching; `dropped`: nothing reads what it makes.
        into: the op that it became a part of.
        makes: the features that it writes, as types.
        written: its cost if all ops ran as they are written; None where that was not measured.
        compiled: its cost as it is compiled; None where it does not run on the host.
    """

    op: str
    fate: Fate
    into: str
    makes: Mapping[str, str]
    written: Cost | None
    compiled: Cost | None


@dataclass(frozen=True, slots=True)
class Graph:
    """A pipeline.

    Attributes:
        raw: features of a raw example.
        reads: those that are read.
        raw_bytes: of a raw example as written, and of the features that are read.
        ops: in the order in which they are written.
        travels: what goes to the devices, as types.
        travels_bytes: of it, in an example: as written, as compiled.
        seconds: on one core for an example, as written and as compiled, of the steps that could be measured.
        stopped: why one could not; empty if all could.
    """

    raw: Mapping[str, str]
    reads: tuple[str, ...]
    raw_bytes: tuple[int, int]
    ops: tuple[OpRow, ...]
    travels: Mapping[str, str]
    travels_bytes: tuple[int, int]
    seconds: tuple[float, float]
    stopped: str


def graph(
    features: Features, ops: Sequence[OpNode], needed: Collection[str], *, devices: bool = True
) -> Graph:
    """A pipeline before and after compilation.

    Args:
        features: features of a raw example.
        ops: the calls.
        needed: features that the devices read.
        devices: whether ops may be left to them.

    Raises:
        Failed: the pipeline does not type.
    """
    typing = follow(features, ops)
    host = compile_pipeline(features, ops, needed)
    split = lower(host, typing.ops)[0] if devices else host
    runs = {step.position for step in split.steps}
    moved = {step.position for step in split.steps if step.call is left_to_devices}
    live, _ = live_steps(typing.ops, tuple(host.outputs))
    examples = drawn(features, _EXAMPLES)
    all_outputs = {name: type_ for name, type_ in typing.features.items() if name in needed}
    written = measure(as_written(typing.ops), tuple(typing.features), examples, frugal=False)
    compiled = measure(split.steps, tuple(split.outputs), examples)
    by_position = {
        step.position: cost
        for step, cost in zip(split.steps, compiled.steps, strict=False)
        if step.position not in moved
    }
    by_written = {op.node.position: cost for op, cost in zip(typing.ops, written.steps, strict=False)}
    alive = {step.position for step in live}
    rows: list[OpRow] = []
    for at, op in enumerate(typing.ops):
        position = op.node.position
        into = ""
        if position in moved:
            fate: Fate = "device"
        elif position in runs:
            fate = "host"
        elif position in alive:
            fate = "joined"
            into = next((each.node.name for each in typing.ops[at + 1 :] if each.node.position in runs), "")
        else:
            fate = "dropped"
        rows.append(
            OpRow(op.node.name, fate, into, _makes(op), by_written.get(position), by_position.get(position))
        )
    reads = sorted(features if host.inputs is None else host.inputs & features.keys())
    return Graph(
        {name: str(feature) for name, feature in features.items()},
        tuple(reads),
        (written.raw, compiled.raw),
        tuple(rows),
        {name: str(_in_batch(feature)) for name, feature in split.outputs.items()},
        (fixed_bytes(all_outputs), fixed_bytes(split.outputs)),
        (_total(written), _total(compiled)),
        compiled.stopped or written.stopped,
    )


def _makes(op: TypedOp) -> Mapping[str, str]:
    return {name: str(type_) for name, type_ in op.after.items() if op.before.get(name) is not type_}


def _in_batch(feature: Feature) -> Feature:
    return Feature(NARROW.get(feature.dtype, feature.dtype), feature.shape)


def _total(costs: Costs) -> float:
    return sum(cost.seconds for cost in costs.steps)


def fixed_bytes(features: Features) -> int:
    """Bytes of an example's features as they travel to the devices, of those whose size is known."""
    return sum(_bytes(feature) for feature in features.values() if feature.fixed)


def _bytes(feature: Feature) -> int:
    if feature.dtype in ("str", "bytes"):
        return 0
    dtype = np.dtype(NARROW.get(feature.dtype, feature.dtype))
    return math.prod(int(dim) for dim in feature.shape) * dtype.itemsize
