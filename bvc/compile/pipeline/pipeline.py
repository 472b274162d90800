"""Pipelines, compiled: from op calls to a function of one example that a worker can run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import jax
import numpy as np

from bvc.compile.pipeline.device import DevicePart, lower
from bvc.compile.pipeline.run import Pipeline, Step
from bvc.compile.pipeline.types import TypedOp, follow
from bvc.compile.pipeline.types import type_pipeline as type_pipeline
from bvc.compile.pipeline.window import join_windows
from bvc.component.feature import Feature, Features
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import pipeline as catalog
from bvc.ir import OpNode

NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32"}
"""Dtypes that a batch does not hold, and what they become there; the feed refuses values that do not fit."""


def compile_pipeline(
    features: Features, ops: Sequence[OpNode], needed: Collection[str] | None = None
) -> Pipeline:
    """The pipeline as a picklable program for the host, that does only what `needed` features need.

    What it computes is bit-equal to all ops run one after another: the randomness of an op depends on its position
    as written, not on the ops that run.

    Args:
        features: features of a raw example.
        ops: the calls, in order.
        needed: features that are read afterwards; None: all.

    Raises:
        Failed: the pipeline does not type.
    """
    return _compiled(features, ops, needed)[0]


def split_pipeline(
    features: Features, ops: Sequence[OpNode], needed: Collection[str]
) -> tuple[Pipeline, DevicePart]:
    """Like `compile_pipeline`, but what makes more bytes than it reads is left to the devices.

    Args:
        features: features of a raw example.
        ops: the calls, in order.
        needed: features that are read afterwards.

    Raises:
        Failed: the pipeline does not type.
    """
    return lower(*_compiled(features, ops, needed))


def _compiled(
    features: Features, ops: Sequence[OpNode], needed: Collection[str] | None
) -> tuple[Pipeline, Sequence[TypedOp]]:
    typing = follow(features, ops)
    if typing.diagnostics:
        raise Failed(typing.diagnostics)
    outputs = {name: typed for name, typed in typing.features.items() if needed is None or name in needed}
    steps, inputs = live_steps(typing.ops, tuple(outputs))
    return Pipeline(join_windows(steps), outputs, inputs), typing.ops


def batch_features(features: Features, batch: int) -> dict[str, jax.ShapeDtypeStruct]:
    """What a batch of examples holds: arrays with a first dim of size `batch`, in dtypes that devices take.

    Args:
        features: features of one example, all of fixed size and numeric.
        batch: examples in a batch.
    """
    return {
        name: jax.ShapeDtypeStruct(
            (batch, *feature.shape), np.dtype(NARROW.get(feature.dtype, feature.dtype))
        )
        for name, feature in features.items()
    }


def check_batchable(features: Features, ops: Sequence[OpNode], needed: Collection[str]) -> list[Diagnostic]:
    """Features that are needed on the devices and cannot be batched (B0314).

    Args:
        features: features of a raw example.
        ops: the calls, in order.
        needed: features that the devices read.
    """
    typing = follow(features, ops)
    if typing.diagnostics or not ops:
        return []
    return [
        catalog.not_batchable(name, str(feature), ops[-1].origin, typing.writer(name))
        for name, feature in typing.features.items()
        if name in needed and not _batchable(feature)
    ]


def _batchable(feature: Feature) -> bool:
    return feature.fixed and feature.dtype not in ("bytes", "str")


def as_written(ops: Sequence[TypedOp]) -> tuple[Step, ...]:
    """Every op as it was called, in order, whether its result is read or not."""
    return tuple(_step(op, op.moves) for op in ops)


def live_steps(ops: Sequence[TypedOp], outputs: Sequence[str]) -> tuple[tuple[Step, ...], frozenset[str]]:
    """The ops whose results are read, and the raw features that they read; found from the last to the first.

    Args:
        ops: the ops, typed.
        outputs: features that are read afterwards.
    """
    wanted = set(outputs)
    steps: list[Step] = []
    for op in reversed(ops):
        node = op.node
        if op.moves is not None:
            moves = {new: old for new, old in op.moves.items() if new in wanted}
            steps.append(_step(op, moves))
            wanted = set(moves.values())
        elif "example" in node.component.call.given:
            changed = {name for name in op.after if op.before.get(name) is not op.after[name]}
            if changed & wanted:
                steps.append(_step(op))
                wanted = set(op.before)
        elif wanted & set(node.writes.values()):
            steps.append(_step(op))
            wanted = (wanted - set(node.writes.values())) | set(steps[-1].reads.values())
    return tuple(reversed(steps)), frozenset(wanted)


def _step(op: TypedOp, moves: Mapping[str, str] | None = None) -> Step:
    node, given = op.node, op.node.component.call.given
    if moves is not None:
        return Step(node.name, None, moves, {}, frozenset(), node.position)
    if "example" in given:
        return Step(node.name, op.call, {}, {}, given, node.position)
    reads = {port: name for port, name in node.reads.items() if name in op.before}
    return Step(node.name, op.call, reads, node.writes, given, node.position)
