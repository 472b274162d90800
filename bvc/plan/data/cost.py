"""What every step of a pipeline costs, measured on examples: seconds, and bytes that pass to the next one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bvc.compile.pipeline.run import Step, run_step
from bvc.component.error import DataError

_SECONDS = 0.3
_LEAST, _MOST = 2, 50
"""Passes over the examples. The first one is not counted: it loads libraries, makes tables and fills caches."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one step, on one example.

    Attributes:
        seconds: of one core, whatever else the machine does; the median over all runs.
        bytes: of the features that are read after it.
    """

    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a pipeline.

    Attributes:
        raw: bytes of the features of a raw example that are read.
        steps: of each step; those after the first that cannot run are missing.
        stopped: why a step cannot run on the examples; empty if all do.
    """

    raw: int
    steps: tuple[Cost, ...]
    stopped: str = ""


def measure(
    steps: Sequence[Step],
    outputs: Sequence[str],
    examples: Sequence[Mapping[str, Any]],
    *,
    frugal: bool = True,
    seconds: float = _SECONDS,
) -> Costs:
    """Run the steps on the examples once, and then until the time is up.

    Args:
        steps: a pipeline.
        outputs: what is read of its result.
        examples: raw examples.
        frugal: count the features that are read later; otherwise all that are there.
        seconds: how long; every example passes twice at least.
    """
    alive = _alive(steps, outputs) if frugal else [None] * (len(steps) + 1)
    taken: list[list[float]] = [[] for _ in steps]
    sizes: list[list[int]] = [[] for _ in range(len(steps) + 1)]
    stopped = ""
    last = len(steps)
    begun = 0.0
    for turn in range(_MOST):
        if turn < _LEAST:
            begun = time.perf_counter()
        elif time.perf_counter() - begun > seconds:
            break
        for number, example in enumerate(examples):
            features = dict(example)
            sizes[0].append(_bytes(features, alive[0]))
            for at, step in enumerate(steps[:last]):
                started = time.thread_time()
                try:
                    run_step(step, features, 0, turn, number)
                except DataError as error:
                    last, stopped = at, f"`{step.name}` met {error}"
                    break
                if turn:
                    taken[at].append(time.thread_time() - started)
                sizes[at + 1].append(_bytes(features, alive[at + 1]))
    costs = tuple(
        Cost(statistics.median(runs), round(statistics.fmean(passed)))
        for runs, passed in list(zip(taken, sizes[1:], strict=True))[:last]
        if runs
    )
    return Costs(round(statistics.fmean(sizes[0])), costs, stopped)


def _alive(steps: Sequence[Step], outputs: Sequence[str]) -> list[frozenset[str] | None]:
    """The features that are read after each step, and before the first; None: all."""
    found: list[frozenset[str] | None] = [frozenset(outputs)]
    for step in reversed(steps):
        after = found[-1]
        if step.call is None:
            before = frozenset(old for new, old in step.reads.items() if after is None or new in after)
        elif "example" in step.given or after is None:
            before = None
        else:
            before = (after - frozenset(step.writes.values())) | frozenset(step.reads.values())
        found.append(before)
    return found[::-1]


def _bytes(features: Mapping[str, Any], alive: frozenset[str] | None) -> int:
    return sum(value_bytes(value) for name, value in features.items() if alive is None or name in alive)


def value_bytes(value: Any) -> int:
    """Bytes of a feature's value.

    >>> value_bytes(["ab", "c"])
    3
    """
    if isinstance(value, list):
        return sum(map(value_bytes, value))
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else value.nbytes
