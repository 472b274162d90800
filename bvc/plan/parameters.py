"""The parameters of an experiment as a table: shape, dtype, layout, and the bytes that one device holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bvc.compile.mesh.layout import Placement
from bvc.library.checkpoints.naming import Naming


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One array of parameters, all layers of a stack together.

    Attributes:
        name: `*` stands for the number of the layer.
        published: big_vision's name of it.
        shape: with the dim of the stack.
        layout: `replicated`, or the axis and the dim that it splits.
        trained: whether the optimizer moves it.
        bytes: on one device.
        axis, dim: the mesh axis that splits it, and the dim, from 0; None and 0 where every device holds it all.
    """

    name: str
    published: str
    shape: tuple[int, ...]
    dtype: str
    layout: str
    trained: bool
    bytes: int
    axis: str | None = None
    dim: int = 0

    @property
    def count(self) -> int:
        """Number of scalars."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Parameters under one prefix of their names.

    Attributes:
        arrays: how many arrays.
        count: scalars, over all devices.
        dtypes, layouts: those that occur, in order of appearance.
        trained: scalars that the optimizer moves.
        bytes: on one device.
    """

    name: str
    arrays: int
    count: int
    dtypes: tuple[str, ...]
    layouts: tuple[str, ...]
    trained: int
    bytes: int


def tabulate(
    places: Sequence[Placement],
    dtypes: Sequence[str],
    trained: Sequence[bool],
    axes: Mapping[str, int],
    naming: Naming,
) -> tuple[ParameterRow, ...]:
    """One row for every array leaf, in tree order; `axes` are the sizes of the mesh axes."""
    rows: list[ParameterRow] = []
    for place, dtype, moves in zip(places, dtypes, trained, strict=True):
        size = math.prod(place.shape) * np.dtype(dtype).itemsize
        layout, dim = "replicated", 0
        if place.axis is not None:
            size //= axes[place.axis]
            dim = len(place.shape) + place.dim
            layout = f"{place.axis} on dim {dim}"
        published = naming.published(place.name)
        rows.append(
            ParameterRow(place.name, published, place.shape, dtype, layout, moves, size, place.axis, dim)
        )
    return tuple(rows)


def group(rows: Sequence[ParameterRow]) -> tuple[ParameterGroup, ...]:
    """Rows together by the prefix of their names, in order of appearance."""
    gathered: dict[str, list[ParameterRow]] = {}
    for row in rows:
        gathered.setdefault(prefix(row.name), []).append(row)
    return tuple(
        ParameterGroup(
            name,
            len(members),
            sum(row.count for row in members),
            tuple(dict.fromkeys(row.dtype for row in members)),
            tuple(dict.fromkeys(row.layout for row in members)),
            sum(row.count for row in members if row.trained),
            sum(row.bytes for row in members),
        )
        for name, members in gathered.items()
    )


def prefix(name: str) -> str:
    """The part of a parameter's name that tells what it belongs to: two words, or all before the layers.

    >>> prefix("image/blocks/*/attention/query/kernel")
    'image/blocks'
    >>> prefix("head/kernel")
    'head'
    """
    words = name.split("/")
    before = words[: words.index("*")] if "*" in words else words[:-1] or words
    return "/".join(before[:2])
