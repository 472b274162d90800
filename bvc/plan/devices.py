"""Which part of a parameter lies on which device of a mesh, as a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bvc.figure.marks import Box, Drawing, Mark, Text
from bvc.plan.parameters import ParameterRow
from bvc.plan.rows import shape
from bvc.plan.units import size

_WIDTH = 640.0
_HEIGHT = 190.0
_COLUMNS, _ROWS = 16, 8
"""Devices that are drawn; of more the first ones."""


def held_part(row: ParameterRow, axes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of the part that one device holds."""
    if row.axis is None:
        return row.shape
    return tuple(dim // axes[row.axis] if at == row.dim else dim for at, dim in enumerate(row.shape))


def part_of(device: int, axis: str | None, axes: Mapping[str, int]) -> int:
    """The number of the part that a device holds; devices count along the last axis of the mesh first."""
    if axis is None:
        return 0
    names = list(axes)
    inner = math.prod(axes[name] for name in names[names.index(axis) + 1 :])
    return device // inner % axes[axis]


def draw_layout(axis: str | None, rows: Sequence[ParameterRow], axes: Mapping[str, int]) -> Drawing:
    """The parameters that one axis splits (None: that every device holds), shown for the largest of them."""
    example = max(rows, key=lambda row: (row.count, row.name))
    parts = 1 if axis is None else axes[axis]
    held = sum(row.bytes for row in rows)
    arrays = f"{len(rows)} array{'s' * (len(rows) != 1)}, {size(held)} on each device"
    title = f"replicated: {arrays}" if axis is None else f"split over {axis}: {arrays}"
    marks: list[Mark] = [Text(16, 22, title, "title")]
    marks += _parameter(example, parts)
    devices = math.prod(axes.values())
    marks += _devices(axis, axes, devices)
    lines = min(_ROWS, -(-devices // _across(axes)))
    return Drawing(_WIDTH, max(_HEIGHT, 92 + lines * _cell(axes)), title, tuple(marks))


def _parameter(row: ParameterRow, parts: int) -> Iterator[Mark]:
    """The array as a rectangle, cut along the dim that is split; the other side stands for all other dims."""
    left, top, width, height = 16.0, 62.0, 190.0, 84.0
    yield Text(left, 44, _shortened(row.name), "name")
    yield Text(left, top + height + 18, f"{row.dtype}[{shape(row.shape)}]", "tick")
    along = row.axis is not None and row.dim < len(row.shape) - 1  # the last dim lies across
    shown = min(parts, 16)
    for part in range(shown):
        if along:
            yield Box(left, top + part * height / shown, width, height / shown - 1, f"part{part}")
        else:
            yield Box(left + part * width / shown, top, width / shown - 1, height, f"part{part}")
    if row.axis is not None:
        more = f", the first {shown} of {parts} parts" if shown < parts else f", {parts} parts"
        yield Text(left, top + height + 34, f"dim {row.dim} over {row.axis}{more}", "tick")


def _across(axes: Mapping[str, int]) -> int:
    """Devices in a row of the drawing: the innermost axes, as many as fit."""
    across = 1
    for length in reversed(list(axes.values())):
        if across * length > _COLUMNS:
            break
        across *= length
    return across if across > 1 else min(_COLUMNS, math.prod(axes.values()))


def _cell(axes: Mapping[str, int]) -> float:
    """Pixels of a device."""
    return 36.0 if _across(axes) <= 8 else 24.0


def _devices(axis: str | None, axes: Mapping[str, int], devices: int) -> Iterator[Mark]:
    left, top = 236.0, 62.0
    across, cell = _across(axes), _cell(axes)
    shown = min(devices, across * _ROWS)
    plural = "s" * (devices != 1)
    told = f"the first {shown} of {devices} devices" if shown < devices else f"{devices} device{plural}"
    yield Text(left, 44, f"{told}; the number is the part", "name")
    for device in range(shown):
        x, y = left + device % across * cell, top + device // across * cell
        part = part_of(device, axis, axes)
        yield Box(x, y, cell - 2, cell - 2, f"part{part}")
        yield Text(x + cell / 2 - 1, y + cell / 2 + 3, str(part), "onpart", "middle")
    mesh = " x ".join(f"{name} {length}" for name, length in axes.items())
    bottom = top + -(-shown // across) * cell
    yield Text(left, bottom + 14, f"{mesh}, the last axis along the rows", "tick")


def _shortened(name: str) -> str:
    return name if len(name) <= 32 else f"…{name[-31:]}"
