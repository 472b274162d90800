"""The part of a pipeline that runs on the devices, after batching: what makes more bytes than it reads.

So images travel as uint8 and classes as one number. The bits are those of the host: an op that says `pointwise = True`
becomes a table of what it makes of every byte (XLA's own arithmetic rounds otherwise), and an op with a method
`on_device` answers for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped, UInt8

from bvc.compile.pipeline.run import Pipeline, Step
from bvc.compile.pipeline.types import TypedOp
from bvc.component.feature import Feature

Batch = Mapping[str, Shaped[Array, "b *dims"]]


@dataclass(frozen=True, eq=False)
class Table:
    """What an op makes of every byte, in every channel."""

    values: Shaped[np.ndarray, "256 c"]

    def __call__(self, image: UInt8[Array, "*dims c"]) -> Shaped[Array, "*dims c"]:
        """Each value looked up."""
        channels = self.values.shape[-1]
        return jnp.stack([jnp.asarray(self.values[:, c])[image[..., c]] for c in range(channels)], axis=-1)


@dataclass(frozen=True, eq=False)
class Lowered:
    """One op on the devices: `feature` of the batch is replaced by what the op makes of it."""

    call: Callable[[Shaped[Array, "b *dims"]], Shaped[Array, "b *made"]]
    feature: str


@dataclass(frozen=True, eq=False)
class DevicePart:
    """The ops that run after batching, in order. Nothing to do is a part without ops."""

    ops: tuple[Lowered, ...] = ()

    def __call__(self, batch: Batch) -> dict[str, Shaped[Array, "b *dims"]]:
        """The batch as the whole pipeline makes it; pure, so that it can be jitted."""
        made = dict(batch)
        for op in self.ops:
            made[op.feature] = op.call(made[op.feature])
        return made


def lower(pipeline: Pipeline, ops: Sequence[TypedOp]) -> tuple[Pipeline, DevicePart]:
    """The pipeline without the ops that can run on the devices, and those ops.

    Args:
        pipeline: compiled for the host alone.
        ops: the typed ops that it was compiled from.
    """
    typed = {op.node.position: op for op in ops}
    steps = list(pipeline.steps)
    outputs = dict(pipeline.outputs)
    lowered: list[Lowered] = []
    for at in reversed(range(len(steps))):
        step = steps[at]
        op = typed[step.position]
        names = _names_at_the_end(steps, at, outputs)
        reads = op.before.get(next(iter(step.reads.values()), ""))
        call = _on_device(step, reads) if names and reads else None
        if (
            names is None
            or reads is None
            or call is None
            or _bytes(reads) >= _bytes(op.after[step.writes[""]])
        ):
            continue
        steps[at] = replace(step, call=left_to_devices)
        for name in names:
            outputs[name] = reads
            lowered.insert(0, Lowered(call, name))
    return replace(pipeline, steps=tuple(steps), outputs=outputs), DevicePart(tuple(lowered))


def left_to_devices(**port: Any) -> Any:
    """What stands on the host for an op that runs on the devices: the value as it is."""
    return next(iter(port.values()))


def _on_device(step: Step, reads: Feature) -> Callable[..., Any] | None:
    """What does an op's work on a device, if anything can."""
    if len(step.reads) != 1 or step.given or set(step.writes) != {""} or not reads.fixed:
        return None
    if (
        getattr(step.call, "pointwise", False)
        and reads.dtype == "uint8"
        and reads.shape
        and step.call is not None
    ):
        channels = int(reads.shape[-1])  # fixed, as was asked above
        every = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None], (256, channels))
        return Table(step.call(**{next(iter(step.reads)): every}))
    return getattr(step.call, "on_device", None) if not reads.shape else None


def _names_at_the_end(steps: Sequence[Step], at: int, outputs: Mapping[str, Feature]) -> list[str] | None:
    """What the result of a step is called after the last one; None if a step on the host reads it."""
    names = {steps[at].writes.get("")} if steps[at].call is not None else set()
    for step in steps[at + 1 :]:
        if step.call is None:
            names = {new for new, old in step.reads.items() if old in names}
        elif step.call is left_to_devices:
            names |= {step.writes[""]} if names & set(step.reads.values()) else set()
        elif "example" in step.given or names & set(step.reads.values()):
            return None
    found = [name for name in outputs if name in names]
    return found or None


def _bytes(feature: Feature) -> int:
    return (
        int(np.prod([dim for dim in feature.shape if isinstance(dim, int)]))
        * np.dtype(feature.dtype).itemsize
    )
