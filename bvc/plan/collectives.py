"""What moves between devices in a step: every collective of the program, and those that the compiler adds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from bvc.compile.mesh.mesh import over_slices
from bvc.plan.naming import Naming
from bvc.plan.ops import Op, Ops

Kind = Literal["all-gather", "reduce-scatter", "all-reduce", "permute", "all-to-all"]

_KINDS: dict[str, Kind] = {
    "all_gather": "all-gather",
    "all_gather_invariant": "all-gather",
    "all_gather_reduced": "all-gather",
    "reduce_scatter": "reduce-scatter",
    "unreduced_reduce_scatter": "reduce-scatter",
    "psum": "all-reduce",
    "psum2": "all-reduce",
    "psum_invariant": "all-reduce",
    "unreduced_psum": "all-reduce",
    "pmax": "all-reduce",
    "pmin": "all-reduce",
    "ppermute": "permute",
    "all_to_all": "all-to-all",
}


@dataclass(frozen=True, slots=True)
class Collective:
    """Collectives of a step that are alike.

    Attributes:
        axes: the mesh axes over which they run.
        count: how often in a step.
        bytes: of the whole arrays (gathered, or not yet scattered) on one device, of all of them together.
        sent: what one device sends for all of them, by the ring algorithm.
        network: of that, what leaves its slice: rings within slices first, then one between them.
        what: what moves.
        derived: not in the program: the compiler adds it, as the layouts demand.
    """

    kind: Kind
    axes: tuple[str, ...]
    count: int
    bytes: int
    sent: int
    what: str
    derived: bool = False
    network: int = 0


def list_collectives(
    step: Ops, axes: Mapping[str, int], results: Sequence[str], slices: int = 1
) -> tuple[Collective, ...]:
    """All collectives of a step, those that send most first.

    Args:
        step: the ops on one device.
        axes: the sizes of the mesh axes.
        results: for every output of the step the parameters that it holds anew, or an empty text.
        slices: over which the mesh lies.

    Raises:
        ValueError: the mesh does not lie over so many slices.
    """
    between = over_slices(axes, slices)
    naming = Naming(step, results)
    found: dict[tuple[Kind, tuple[str, ...], str, bool], Collective] = {}
    for op, times in _walk(step, 1):
        for kind, over, size, derived in _moves(op):
            devices = prod(axes[axis] for axis in over)
            apart = prod(between[axis] for axis in over)
            if devices > 1:
                key = (kind, over, naming.what(op), derived)
                old = found.get(key) or Collective(kind, over, 0, 0, 0, key[2], derived)
                found[key] = replace(
                    old,
                    count=old.count + times,
                    bytes=old.bytes + times * size,
                    sent=old.sent + times * _sent(kind, size, devices),
                    network=old.network + times * _between(kind, size, devices, apart),
                )
    return tuple(sorted(found.values(), key=lambda item: (-item.sent, item.kind, item.what)))


def _walk(body: Ops, times: int) -> Iterator[tuple[Op, int]]:
    """Every op, and how often it runs in a step."""
    for op in body.ops:
        yield op, times
        for part in op.inner:
            yield from _walk(part, times * op.repeats)


def _moves(op: Op) -> Iterator[tuple[Kind, tuple[str, ...], int, bool]]:
    """Kind, axes, bytes of the whole array, and whether the compiler adds it: for every collective of an op."""
    if op.name in _KINDS:
        found = op.params.get("axes", op.params.get("axis_name", ()))
        over = (found,) if isinstance(found, str) else tuple(axis for axis in found if isinstance(axis, str))
        for operand, result in zip(op.inputs, op.outputs, strict=True):
            yield _KINDS[op.name], over, max(operand.bytes, result.bytes), False
    if op.sums:
        yield "all-reduce", op.sums, sum(value.bytes for value in op.outputs), True


def _between(kind: Kind, size: int, devices: int, slices: int) -> int:
    """Bytes to other slices: devices of a slice send equal parts; a permutation waits for the longest way."""
    if slices == 1:
        return 0
    return _sent(kind, size, slices) if kind == "permute" else _sent(kind, size, slices) * slices // devices


def _sent(kind: Kind, size: int, devices: int) -> int:
    if kind == "permute":
        return size
    passes = 2 if kind == "all-reduce" else 1
    return passes * size * (devices - 1) // devices
