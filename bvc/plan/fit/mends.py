"""What makes a plan fit that does not: single changes of the spec, each of which was planned and fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bvc.compile.program import Program, compile_experiment
from bvc.diagnostics import Failed
from bvc.plan.fit.candidate import REMATS, Candidate, flags
from bvc.plan.fit.fit import describe
from bvc.plan.fit.price import Load, Pricing
from bvc.plan.fits import Mend
from bvc.plan.plan import Plan, plan


def mends(program: Program, planned: Plan, load: Load, *, names_split: bool) -> list[Mend]:
    """Settings that make a plan fit, each by itself: parts, remat, sharding, and the largest batch that is found.

    Args:
        program: of the spec as it is.
        planned: its plan, which does not fit.
        load: binds the spec with further settings.
        names_split: whether the spec has `mesh.batch`.
    """
    given = describe(program, planned.target, names_split)
    pricing = Pricing(load, planned.target, given, program)
    found: list[Mend] = []
    for ways in (
        _in_parts(given.candidate, planned),
        _recomputed(given.candidate),
        _sharded(given.candidate),
    ):
        for way in ways:
            settings = flags(way, given)
            other = _planned(pricing, way) if settings else None
            if other is not None and not other.excess:
                found.append((settings, other))
                break
    return [*found, *_smaller(load, planned)]


def _planned(pricing: Pricing, way: Candidate) -> Plan | None:
    try:
        return pricing.plan(way)
    except Failed:
        return None


def _in_parts(own: Candidate, planned: Plan) -> Iterator[Candidate]:
    """In twice as many parts and so on; a part with half the examples needs at least half of what a step allocates."""
    memory = planned.memory
    room = planned.target.memory - (memory.total - memory.step)
    parts = own.parts * 2
    while planned.examples // planned.shards % parts == 0:
        if memory.step * own.parts <= room * parts:
            yield replace(own, parts=parts)
        parts *= 2


def _recomputed(own: Candidate) -> Iterator[Candidate]:
    if own.remat != REMATS[-1]:
        yield replace(own, remat=REMATS[-1])


def _sharded(own: Candidate) -> Iterator[Candidate]:
    """With the parameters over all devices that split the batch."""
    if own.shards > 1 and own.size("fsdp") == 1:
        kept = [(axis, size) for axis, size in own.axes if axis not in (*own.split, "fsdp")]
        axes = (("data", 1), ("fsdp", own.shards), *kept)
        yield replace(own, axes=axes, split=("data", "fsdp"), ruled=False)


def _smaller(load: Load, planned: Plan) -> list[Mend]:
    """The batch that should fit if what a step allocates grows with it, tried and once corrected."""
    held = planned.memory.total - planned.memory.step - planned.memory.batch
    room, last = planned.target.memory - held, planned
    for _ in range(2):
        share = room / (last.memory.total - held)
        batch = int(last.examples * share) // planned.shards * planned.shards
        if not planned.shards <= batch < last.examples:
            break
        settings = (("data.train.batch", str(batch)),)
        try:
            last = plan(compile_experiment(load(settings)), planned.target)
        except Failed:
            break
        if not last.excess:
            return [(settings, last)]
    return []
