"""Peak memory of a step from the lives of its arrays.

The ops run in the order of `order.py`. An array lives from the op that makes it to the last op that reads it, directly
or through what is fused into that op; what the step returns lives to its end, in the memory of a donated argument where
one matches.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bvc.plan.memory.fusion import Fused, fuse, in_place
from bvc.plan.memory.order import beside, heaviest_first, largest_first, made_early, postponed
from bvc.plan.memory.siblings import awaited
from bvc.plan.memory.tiles import sizes_on
from bvc.plan.ops import Op, Ops, Value
from bvc.plan.place import pass_of
from bvc.plan.target import DeviceKind

WORKSPACE = 4 * 2**20
"""What XLA gives a product of cuBLAS beside its operands and its result."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the step has allocated while an op runs, and the bytes that it writes; of a loop one iteration stands for
    all.
    """

    bytes: int
    op: Op
    written: int


@dataclass(frozen=True, slots=True)
class Peak:
    """Memory on one device at the worst moment, arguments not counted.

    Attributes:
        bytes: of everything that the step allocates and that lives at that moment.
        op: the op that runs then, in the innermost loop; None if nothing is allocated.
        live: (bytes, op that made it) for what lives then, largest first.
        moments: how the step comes to it, in the order in which the ops run.
    """

    bytes: int
    op: Op | None
    live: tuple[tuple[int, Op], ...]
    moments: tuple[Moment, ...] = ()


def peak_memory(step: Ops, donated: Sequence[bool], kind: DeviceKind) -> Peak:
    """The peak of a step.

    Args:
        step: its ops on one device.
        donated: for each argument whether results may be written over it.
        kind: of the devices; their compilers fuse, and pad, in different ways.
    """
    given = Counter(
        (value.shape, value.dtype) for value, is_given in zip(step.inputs, donated, strict=True) if is_given
    )
    free: set[Value] = set()
    for value in step.outputs:
        form = (value.shape, value.dtype)
        if given[form] > 0 and value not in free:
            given[form] -= 1
            free.add(value)
    if kind == "tpu":
        step = largest_first(step)
    size = sizes_on(kind, step)

    @functools.cache
    def within(loop: Op) -> Peak | None:
        peaks = (_sweep(part, frozenset(), kind, size, within) for part in loop.inner)
        return max(peaks, key=lambda peak: peak.bytes, default=None)

    def weigh(loop: Op) -> int:
        inside = within(loop)
        return inside.bytes if inside else 0

    orders = [step]
    if kind != "cpu":
        other = heaviest_first(step, weigh)
        orders = [other] if kind == "gpu" or other is step else [step, other]
    peaks = (_sweep(order, frozenset(free), kind, size, within, outermost=True) for order in orders)
    return min(peaks, key=lambda peak: peak.bytes)


def _sweep(
    body: Ops,
    free: frozenset[Value],
    kind: DeviceKind,
    size: Callable[[Value], int],
    within: Callable[[Op], Peak | None],
    *,
    outermost: bool = False,
) -> Peak:
    """The peak of one body. Values in `free` cost nothing; `within` tells the peak inside an op."""
    fused = fuse(body, kind)
    last = _last_reads(body, fused)
    apart = frozenset[Value]()
    if kind == "gpu":
        apart = fused.reduced  # a kernel that reduces as well writes nothing over what it reads
        late = [awaited(body, fused), *([postponed(body, fused)] if outermost else [])]
        for value, index in itertools.chain.from_iterable(each.items() for each in late):
            last[value] = max(last.get(value, 0), index)
    early = made_early(body, fused) if kind == "gpu" and outermost else {}
    at_once = beside(body) if kind == "gpu" and outermost else {}
    starting: dict[int, list[tuple[Value, Op]]] = defaultdict(list)
    for value, (index, loop) in early.items():
        if value not in free:
            starting[index].append((value, loop))
    live: dict[Value, Op] = {}
    reusable = {value for value in body.carried if last.get(value, -1) < len(body.ops)}
    now = 0
    best = Peak(0, None, ())
    moments: list[Moment] = []
    for index, op in enumerate(body.ops):
        for value, loop in starting[index]:
            live[value] = loop
            now += size(value)
        inside = within(op)
        for other, free_of_it in at_once.get(op, ()):
            inside = _together(inside, within(other), free_of_it)
        reads = fused.reads(op)
        dying = [
            value for value in reads if last.get(value) == index and (value in live or value in reusable)
        ]
        given, written = in_place(op)
        over = fused.behind(given)
        spare = Counter(size(value) for value in dying if value in over)
        reused = 0
        for value in op.outputs:
            counted = value in free or value in early
            if value in fused.stored and not counted and index < last.get(value, -1):
                live[value] = op
                now += size(value)
                if value in written and spare[size(value)] > 0 and value not in apart:
                    spare[size(value)] -= 1
                    reused += size(value)
        aside = WORKSPACE if kind == "gpu" and op.name == "dot_general" else 0
        here = now - reused + aside + (inside.bytes if inside else 0)
        moments += [
            Moment(each.bytes + now - reused, each.op, each.written * op.repeats)
            for each in (inside.moments if inside else ())
        ] or [Moment(here, op, sum(size(value) for value in op.outputs if value in fused.stored))]
        if here > best.bytes:
            held = [(size(value), maker) for value, maker in live.items()]
            best = _peak(here, op, [*held, *([(aside, op)] if aside else [])], inside)
        for value in dying:
            if value in live:
                del live[value]
                now -= size(value)
            reusable.discard(value)
    return replace(best, moments=tuple(moments))


def _together(peak: Peak | None, other: Peak | None, whole: bool) -> Peak | None:
    """The peak of a loop while another one begins: with all that this one takes, or what it computes again."""
    if peak is None or other is None:
        return peak
    added = [(size, op) for size, op in other.live if whole or pass_of(op) == "recomputed"]
    more = sum(size for size, _ in added)
    moments = tuple(replace(moment, bytes=moment.bytes + more) for moment in peak.moments)
    return replace(_peak(peak.bytes + more, peak.op, added, peak), moments=moments)


def _peak(size: int, op: Op | None, held: Sequence[tuple[int, Op]], inside: Peak | None) -> Peak:
    within = inside.live if inside else ()
    order = sorted([*held, *within], key=lambda item: -item[0])
    return Peak(size, inside.op if inside and inside.op else op, tuple(order))


def _last_reads(body: Ops, fused: Fused) -> dict[Value, int]:
    """For each stored value and input the index of the last op that reads it; the number of ops if it is returned."""
    last: dict[Value, int] = {}
    for index, op in enumerate(body.ops):
        if not op.outputs or any(value in fused.stored or value in fused.streamed for value in op.outputs):
            last.update((value, index) for value in fused.reads(op))
    for value in frozenset(body.outputs) - fused.streamed:
        last.update((root, len(body.ops)) for root in fused.roots.get(value, ()))
    return last
