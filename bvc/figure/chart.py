"""What a chart shows, without saying how it looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: `label` with its unit, as people read it; `log` where equal distances are equal ratios."""

    label: str
    log: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A curve. `y` may hold NaN and infinities: there the curve has a gap.

    Attributes:
        name: in the legend.
        x, y: points in the order of x.
        colour: number of its colour; the same number is the same run in all charts of a page.
        floor: the area between it and `y` is filled; None: a line.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    floor: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line that says what may be reached: the memory of a device, a planned rate."""

    name: str
    y: float
    colour: int | None = None
    """That of the series that it belongs to; None: of no series."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the x axis with a name of its own, such as the forward pass."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with a title; `from_zero`: the y axis begins at 0."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    levels: tuple[Level, ...] = ()
    spans: tuple[Span, ...] = ()
    from_zero: bool = False


def wants_log(values: Sequence[float]) -> bool:
    """Whether positive values are told apart only by their ratios: they pass two decades, and 1.

    What lies between 0 and 1, an accuracy for example, stays linear.
    """
    finite = [value for value in values if math.isfinite(value)]
    return len(finite) > 2 and min(finite) > 0 and max(finite) > 1 and max(finite) >= 100 * min(finite)
