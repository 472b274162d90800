"""How arrays outside `shard_map` are split over the mesh, followed through the ops of the update.

The compiler decides this (GSPMD); it follows the arguments through elementwise ops, reductions and products as
described here, and that is all that an optimizer's update contains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jax.extend.core import JaxprEqn

Spread = tuple[tuple[str, ...], ...]
"""For each dim the mesh axes that split it; a shorter tuple leaves the other dims whole."""


def local_shape(shape: tuple[int, ...], spread: Spread, axes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape on one device; a dim that does not divide is padded up."""
    local = list(shape)
    for dim, names in enumerate(spread[: len(shape)]):
        for name in names:
            local[dim] = -(-local[dim] // axes[name])
    return tuple(local)


def spread_outputs(eqn: JaxprEqn, inputs: Sequence[Spread]) -> tuple[list[Spread], tuple[str, ...]]:
    """The spread of each result of a primitive on global arrays, and the axes over which it must be summed."""
    name, params = eqn.primitive.name, eqn.params
    ranks = [len(getattr(var.aval, "shape", ())) for var in eqn.invars]
    full = [_padded(spread, rank) for spread, rank in zip(inputs, ranks, strict=True)]
    if not any(axes for spread in full for axes in spread):
        return [()] * len(eqn.outvars), ()
    if name.startswith(("reduce_", "argmax", "argmin")) and "axes" in params:
        gone = set(params["axes"])
        kept = tuple(axes for dim, axes in enumerate(full[0]) if dim not in gone)
        summed = tuple(axis for dim in sorted(gone) for axis in full[0][dim])
        return [kept] * len(eqn.outvars), summed
    if name == "dot_general":
        return _product(params["dimension_numbers"], full)
    if name == "broadcast_in_dim":
        places = {new: full[0][old] for old, new in enumerate(params["broadcast_dimensions"])}
        return [tuple(places.get(dim, ()) for dim in range(len(params["shape"])))], ()
    if name == "transpose":
        return [tuple(full[0][dim] for dim in params["permutation"])], ()
    if name == "squeeze":
        return [tuple(axes for dim, axes in enumerate(full[0]) if dim not in params["dimensions"])], ()
    return [_matching(eqn, full, var) for var in eqn.outvars], ()


def _padded(spread: Spread, rank: int) -> Spread:
    return (*spread[:rank], *((),) * (rank - len(spread)))


def _product(
    dimension_numbers: tuple[tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]],
    inputs: Sequence[Spread],
) -> tuple[list[Spread], tuple[str, ...]]:
    (left_sum, right_sum), (left_batch, right_batch) = dimension_numbers
    left, right = inputs
    batch = [left[a] or right[b] for a, b in zip(left_batch, right_batch, strict=True)]
    free = [axes for dim, axes in enumerate(left) if dim not in (*left_sum, *left_batch)]
    free += [axes for dim, axes in enumerate(right) if dim not in (*right_sum, *right_batch)]
    summed = [axis for a, b in zip(left_sum, right_sum, strict=True) for axis in left[a] or right[b]]
    return [(*batch, *free)], tuple(summed)


def _matching(eqn: JaxprEqn, inputs: Sequence[Spread], output: object) -> Spread:
    """A dim of the result is split as the same dim of an input of equal rank and size; reshapes keep leading dims."""
    shape = tuple(getattr(getattr(output, "aval", None), "shape", ()))
    found: list[tuple[str, ...]] = [()] * len(shape)
    for var, spread in zip(eqn.invars, inputs, strict=True):
        other = tuple(getattr(var.aval, "shape", ()))
        same_rank = len(other) == len(shape)
        for dim in range(min(len(shape), len(other))):
            if shape[dim] != other[dim]:
                if not same_rank:
                    break
                continue
            found[dim] = found[dim] or spread[dim]
    return tuple(found)
