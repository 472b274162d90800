"""The memory of a step over its ops, thinned to what a drawing shows; no peak is lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bvc.plan.memory import liveness
from bvc.plan.memory.liveness import Peak
from bvc.plan.place import pass_of

Phase = Literal["forward", "backward", "update"]

MOST = 240
"""Moments of a timeline."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Some ops in a row: where they begin, the most that the step has allocated meanwhile, and their pass.

    `start` is the part of all bytes that a step writes which is written before them: about time, where an op is as
    slow as the memory.
    """

    start: float
    bytes: int
    phase: Phase


def timeline(peak: Peak) -> tuple[Moment, ...]:
    """The moments of a step, at most about `MOST`; what is recomputed counts as backward."""
    total = sum(moment.written for moment in peak.moments) or 1
    before = itertools.accumulate((moment.written for moment in peak.moments), initial=0)
    found: list[Moment] = []
    for moment, written in zip(peak.moments, before, strict=False):  # the last sum is the end
        start, phase = written / total, _phase(moment)
        last = found[-1] if found else None
        if last and last.phase == phase and int(last.start * MOST) == int(start * MOST):
            found[-1] = Moment(last.start, max(last.bytes, moment.bytes), phase)
        else:
            found.append(Moment(start, moment.bytes, phase))
    return tuple(found)


def _phase(moment: liveness.Moment) -> Phase:
    name = pass_of(moment.op)
    return "backward" if name == "recomputed" else name


def phases(moments: Sequence[Moment]) -> list[tuple[Phase, float, float]]:
    """(phase, start, end) of each stretch; what interrupts one only shortly is part of it."""
    long: list[tuple[Phase, float]] = []
    for phase, start, end in _stretches((moment.phase, moment.start) for moment in moments):
        if not long or end - start >= _SHORT:
            long.append((phase, start))
    return _stretches(long)


def _stretches(marks: Iterable[tuple[Phase, float]]) -> list[tuple[Phase, float, float]]:
    """What is the same phase in a row as one stretch, which ends where the next begins."""
    starts: list[tuple[Phase, float]] = []
    for phase, start in marks:
        if not starts or starts[-1][0] != phase:
            starts.append((phase, start))
    ends = [*(start for _, start in starts[1:]), 1.0]
    return [(phase, start, end) for (phase, start), end in zip(starts, ends, strict=False)]


_SHORT = 0.02
"""Part of a step that is no stretch of its own."""
