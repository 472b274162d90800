"""Several drawings as one, below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bvc.figure.marks import Drawing, Line, Mark


def stacked(title: str, drawings: Sequence[Drawing]) -> Drawing:
    """One drawing as wide as the widest and as high as all together."""
    marks: list[Mark] = []
    top = 0.0
    for drawing in drawings:
        marks += [_lowered(mark, top) for mark in drawing.marks]
        top += drawing.height
    return Drawing(max(drawing.width for drawing in drawings), top, title, tuple(marks))


def _lowered(mark: Mark, by: float) -> Mark:
    if isinstance(mark, Line):
        return replace(mark, points=tuple((x, y + by) for x, y in mark.points))
    return replace(mark, y=mark.y + by)
