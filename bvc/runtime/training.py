"""What the loop needs of a program: functions and numbers, no types of the compiler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Array, Float, PyTree, Shaped

from bvc.runtime.due import Times

HostBatch = Mapping[str, Shaped[np.ndarray, "b *dims"]]
State = PyTree
"""Arrays only: step, parameters, optimizer."""


class Feed(Protocol):
    """Host batches in order: of the steps after some step, without end, or of an evaluation."""

    def __iter__(self) -> Iterator[HostBatch]: ...

    def skipped(self) -> Sequence[str]:
        """What is wrong with the examples that were replaced for the first time since this was last asked."""
        ...

    def close(self) -> None:
        """End what feeds it: threads, worker processes."""
        ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One of `[evals]`.

    `run(state, check)` returns the metrics; it calls `check` now and then, which raises when it must end at
    once.
    """

    name: str
    every: int
    skip_first: bool
    prefix: str
    run: Callable[[State, Callable[[], None]], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Training:
    """A program made ready to run.

    Attributes:
        init: makes the state of step 0, on the devices.
        abstract: that state as ShapeDtypeStructs with shardings, for loading.
        step: one step; may donate the state. Its metrics are scalars on the devices, `training_loss` one of them.
        feed: opens the batches of the steps after a given one.
        place: a host batch (this process's part) to the devices.
        times: length and intervals.
        batch: examples of a step, over all processes.
        examples: examples of an epoch, where known.
        parameters: how many numbers the model holds.
        devices: how many devices compute.
        kind: of the devices, for `core_hours_<kind>`.
        evaluations: what is measured besides, in order.
        writers: where rows go besides the files of the work directory.
    """

    init: Callable[[], State]
    abstract: State
    step: Callable[[State, Any], tuple[State, Mapping[str, Float[Array, ""]]]]
    feed: Callable[[int], Feed]
    place: Callable[[HostBatch], Any]
    times: Times
    batch: int
    examples: int | None
    parameters: int
    devices: int
    kind: str
    evaluations: Sequence[Evaluation] = ()
    writers: Sequence[str] = ()
