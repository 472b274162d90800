"""Dims that a batched product works off one by one.

A TPU's compiler keeps them outside the tiles of what such a product returns, and of what is computed from that element
by element: of attention weights `b n t s` only the two last dims lie in tiles, whatever the others could save.
"""

from __future__ import annotations

from bvc.plan.memory.fusion import is_elementwise
from bvc.plan.ops import Op, Ops, Value

Dims = frozenset[int]


def batched_dims(step: Ops) -> dict[Value, Dims]:
    """The batched dims of every value that has some, in the bodies of loops too."""
    found: dict[Value, Dims] = {}
    _walk(step, found)
    return found


def _walk(body: Ops, found: dict[Value, Dims]) -> None:
    for op in body.ops:
        for part in op.inner:
            _enter(op, part, found)
            _walk(part, found)
            _leave(op, part, found)
        for value in op.outputs if not op.inner else ():
            if dims := _dims(op, value, found):
                found[value] = dims


def _dims(op: Op, output: Value, found: dict[Value, Dims]) -> Dims:
    if op.name == "dot_general":
        return frozenset(range(len(op.params["dimension_numbers"][1][0])))
    if not op.inputs:
        return frozenset()
    first = op.inputs[0]
    known = found.get(first, frozenset())
    if op.name == "transpose":
        return frozenset(new for new, old in enumerate(op.params["permutation"]) if old in known)
    if op.name.startswith(("reduce_", "arg")) and "axes" in op.params:
        kept = [dim for dim in range(len(first.shape)) if dim not in op.params["axes"]]
        return frozenset(new for new, old in enumerate(kept) if old in known)
    if op.name == "broadcast_in_dim":
        return frozenset(new for old, new in enumerate(op.params["broadcast_dimensions"]) if old in known)
    if op.name in ("reshape", "squeeze", "expand_dims"):
        return _reshaped(first, output, known)
    if not is_elementwise(op):
        return frozenset()
    alike = [value for value in op.inputs if value.shape == output.shape]
    dims = frozenset[int]().union(*(found.get(value, frozenset()) for value in alike))
    if dims:
        found.update((value, dims) for value in alike)  # the mask of a dropout lies as what it drops
    return dims


def _reshaped(before: Value, after: Value, known: Dims) -> Dims:
    """Dims of size one come and go; where others do, nothing is known."""
    old = [dim for dim, size in enumerate(before.shape) if size > 1]
    new = [dim for dim, size in enumerate(after.shape) if size > 1]
    if [before.shape[dim] for dim in old] != [after.shape[dim] for dim in new]:
        return frozenset()
    return frozenset(there for here, there in zip(old, new, strict=True) if here in known)


def _enter(op: Op, body: Ops, found: dict[Value, Dims]) -> None:
    """What an iteration reads of the arrays over which a loop goes."""
    if op.name == "scan":
        for whole, piece in zip(op.inputs, body.inputs, strict=True):
            if piece in body.sliced and whole in found:
                found[piece] = frozenset(dim - 1 for dim in found[whole] if dim)


def _leave(op: Op, body: Ops, found: dict[Value, Dims]) -> None:
    """What a loop or a branch returns."""
    for made, value in zip(body.outputs, op.outputs, strict=True):
        if made in found:
            found[value] = frozenset(dim + (made in body.stacked) for dim in found[made])
