"""B0401-B0449: the mesh, how the batch divides over it, how parameters lie on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import did_you_mean, listing


def batch_indivisible(
    what: str, batch: int, axes: Mapping[str, int], place: Origin, mesh: Origin
) -> Diagnostic:
    """B0401: the batch (`what`: of which table) does not divide over the mesh axes that split it."""
    shards = math.prod(axes.values())
    below, above = batch // shards * shards, (batch // shards + 1) * shards
    nearest = [str(size) for size in (below, above) if size]
    product = " * ".join(str(size) for size in axes.values())
    ways = f"{product} = {shards}" if len(axes) > 1 else product
    over = listing(list(axes))
    labels = (Label(mesh.mend, f"batch is split {ways} ways"),) if mesh.mend != place.mend else ()
    return Diagnostic(
        "B0401",
        f"the batch of `{what}` does not divide over the mesh",
        place.mend,
        f"{batch} = {shards} * {batch // shards} + {batch % shards}",
        labels=labels,
        notes=() if labels else (f"{over} split{'s' if len(axes) == 1 else ''} the batch {ways} ways",),
        help=f"nearest sizes that divide: {', '.join(nearest)}",
        origin=place,
    )


def parts_indivisible(parts: int, batch: int, shards: int, place: Origin, batch_place: Origin) -> Diagnostic:
    """B0408: a device's examples of a step do not divide into the parts of `run.accumulate`."""
    own = batch // shards
    nearest = min((part for part in range(1, own + 1) if own % part == 0), key=lambda part: abs(part - parts))
    return Diagnostic(
        "B0408",
        f"the {own} examples of a device do not divide into {parts} parts",
        place.mend,
        f"{own} = {parts} * {own // parts} + {own % parts}",
        labels=(Label(batch_place.mend, f"split {shards} way{'s' * (shards != 1)}: {own} on each device"),),
        help=f"the nearest number that divides: `run.accumulate = {nearest}`",
        origin=place,
    )


def unknown_axis(axis: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0402: a mesh axis is named that the mesh does not have."""
    return Diagnostic(
        "B0402",
        f"the mesh has no axis `{axis}`",
        place.mend,
        "no axis of this name",
        notes=(f"`mesh.axes` has {listing(known)}",),
        help=did_you_mean(axis, known) or f"add `{axis}` to `mesh.axes`, or take one of {listing(known)}",
        origin=place,
    )


def rest_twice(place: Origin) -> Diagnostic:
    """B0403: two axes want the devices that are left."""
    return Diagnostic(
        "B0403",
        'two mesh axes are `"rest"`',
        place.mend,
        "only one axis can take the devices that are left",
        help="give all axes but one a size",
        origin=place,
    )


def bad_axis_size(axis: str, size: object, place: Origin) -> Diagnostic:
    """B0404: the size of an axis is neither a positive number nor `"rest"`."""
    return Diagnostic(
        "B0404",
        f"mesh axis `{axis}` has no usable size",
        place.mend,
        f'`{size}` is neither a number from 1 nor `"rest"`',
        help=f'`{axis} = "rest"` takes the devices that are left',
        origin=place,
    )


def no_axes(place: Origin) -> Diagnostic:
    """B0406: a mesh without axes."""
    return Diagnostic(
        "B0406",
        "the mesh has no axes",
        place.mend,
        "names no axis",
        help='name at least one: `axes = { data = "rest" }`, or leave `[mesh]` out for just that',
        origin=place,
    )


def axis_twice(axis: str, place: Origin) -> Diagnostic:
    """B0407: an axis splits the batch twice."""
    return Diagnostic(
        "B0407",
        f"mesh axis `{axis}` splits the batch twice",
        place.mend,
        f"names `{axis}` twice",
        help=f"keep one `{axis}`",
        origin=place,
    )


def dim_out_of_range(name: str, shape: Sequence[int], dim: int, place: Origin) -> Diagnostic:
    """B0410: a layout rule shards a dim that a matched parameter does not have."""
    return Diagnostic(
        "B0410",
        f"`{name}` has no dim {dim}",
        place.mend,
        f"matches `{name}`, of shape {_shape(shape)}",
        help=f"its last dim is {len(shape) - 1}"
        if shape
        else "it is a scalar: replicate it by a rule before this one",
        origin=place,
    )


def dim_indivisible(
    name: str, shape: Sequence[int], dim: int, axis: str, size: int, place: Origin
) -> Diagnostic:
    """B0411: a layout rule names a dim that the axis does not divide."""
    return Diagnostic(
        "B0411",
        f"dim {dim} of `{name}` does not divide over `{axis}`",
        place.mend,
        f"{shape[dim]} = {size} * {shape[dim] // size} + {shape[dim] % size}",
        notes=(f"`{name}` has shape {_shape(shape)}",),
        help=f'name another dim, or let `shard = "{axis}"` take the largest dim that divides',
        origin=place,
    )


def layers_apart(first: str, other: str, place: Origin) -> Diagnostic:
    """B0412: layout rules lay layers of one stack differently; they are one array."""
    return Diagnostic(
        "B0412",
        f"`{first}` and `{other}` cannot lie differently on the mesh",
        place.mend,
        f"takes `{first}`, but not `{other}`",
        notes=("the layers of a stack are one array, split alike",),
        help="write the layer's number as `[0-9]+`, so that the rule matches all layers",
        origin=place,
    )


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"
