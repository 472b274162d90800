"""A chart as a drawing: ranges, ticks, legend, curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from bvc.figure.chart import Axis, Chart, Series
from bvc.figure.marks import Box, Dot, Drawing, Line, Mark, Text, cut, text_width
from bvc.figure.ticks import linear_ticks, log_ticks, short, tick_label

_LEFT, _RIGHT, _BOTTOM = 62.0, 18.0, 44.0
_ROW = 18.0
"""Height of a row of the legend."""
_LETTERS = 72
"""Longest name in a legend."""
_FEW = 40
"""So many points of a curve are drawn as points, too."""
_ROOM = 0.04
"""Part of the y range that is left free above and below the curves."""

Scale = Callable[[float], float]


def draw(chart: Chart, width: float = 640, height: float = 340) -> Drawing:
    """The drawing of a chart, `width` x `height` pixels; a legend of many rows makes it higher."""
    entries = list(_legend(chart, width - _LEFT - _RIGHT))
    rows = 1 + max((row for row, _, _, _ in entries), default=-1)
    top = 48.0 + rows * _ROW
    height += max(0, rows - 1) * _ROW
    left, right, bottom = _LEFT, width - _RIGHT, height - _BOTTOM
    low_x, high_x = _range(_finite(each.x for each in chart.series), chart.x, room=0.0)
    low_y, high_y = _range(_shown_y(chart), chart.y, room=_ROOM)
    if chart.from_zero and not chart.y.log:
        low_y = min(0.0, low_y)
    x = _scale(low_x, high_x, left, right, chart.x.log)
    y = _scale(low_y, high_y, bottom, top, chart.y.log)
    marks: list[Mark] = [Text(left, 22, chart.title, "title")]
    for row, offset, role, name in entries:
        base = 42 + row * _ROW
        marks += [Line(((left + offset, base - 4), (left + offset + 16, base - 4)), role)]
        marks += [Text(left + offset + 22, base, name, "name")]
    marks += _spans(chart, x, top, bottom)
    marks += _y_axis(chart.y, low_y, high_y, y, left, right, top)
    marks += _x_axis(chart.x, low_x, high_x, x, left, right, bottom)
    for series in chart.series:
        marks += _curve(series, x, y, chart)
    for level in chart.levels:
        at = y(level.y)
        role = "level" if level.colour is None else f"series{level.colour}"
        dashes = [(left + start, min(left + start + 6, right)) for start in range(0, int(right - left), 10)]
        marks += [Line(((start, at), (end, at)), role) for start, end in dashes]
        marks += [Text(right, at - 5, f"{level.name} {short(level.y)}", "level", "end")]
    return Drawing(width, height, chart.title, tuple(marks))


def _legend(chart: Chart, width: float) -> Iterator[tuple[int, float, str, str]]:
    """(row, offset, role, text) of each entry; a chart of one curve without a name has none."""
    row, offset = 0, 0.0
    for series in chart.series:
        if not series.name:
            continue
        last = next((value for value in reversed(series.y) if math.isfinite(value)), None)
        told = "" if last is None or series.floor is not None else f"  {short(last)}"
        text = cut(series.name, _LETTERS) + told
        needed = 22 + text_width(text, "name") + 16
        if offset and offset + needed > width:
            row, offset = row + 1, 0.0
        yield row, offset, f"{'series' if series.floor is None else 'area'}{series.colour}", text
        offset += needed


def _finite(parts: Iterator[Sequence[float]]) -> list[float]:
    return [value for part in parts for value in part if math.isfinite(value)]


def _shown_y(chart: Chart) -> list[float]:
    values = _finite(each.y for each in chart.series) + [level.y for level in chart.levels]
    return values + _finite(each.floor for each in chart.series if each.floor is not None)


def _range(values: Sequence[float], axis: Axis, *, room: float) -> tuple[float, float]:
    """The part of an axis that is shown; never empty."""
    shown = [value for value in values if value > 0] if axis.log else list(values)
    low, high = (min(shown), max(shown)) if shown else (1.0, 2.0)
    if axis.log:
        wide = (high / low) ** room if high > low else 2.0
        return low / wide, high * wide
    if low == high:
        apart = abs(low) * 0.1 or 1.0
        return low - apart, high + apart
    return low - room * (high - low), high + room * (high - low)


def _scale(low: float, high: float, start: float, end: float, log: bool) -> Scale:
    if log:
        bottom, top = math.log10(low), math.log10(high)
        return lambda value: start + (math.log10(value) - bottom) / (top - bottom) * (end - start)
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _ticks(axis: Axis, low: float, high: float, most: int) -> list[tuple[float, str]]:
    if axis.log:
        return [(value, short(value)) for value in log_ticks(low, high)]
    values = linear_ticks(low, high, most)
    step = values[1] - values[0] if len(values) > 1 else high - low
    return [(value, tick_label(value, step)) for value in values]


def _y_axis(
    axis: Axis, low: float, high: float, y: Scale, left: float, right: float, top: float
) -> Iterator[Mark]:
    for value, label in _ticks(axis, low, high, 6):
        yield Line(((left, y(value)), (right, y(value))), "grid")
        yield Text(left - 8, y(value) + 4, label, "tick", "end")
    if axis.label:
        yield Text(right, top - 8, f"{axis.label}, log scale" if axis.log else axis.label, "tick", "end")


def _x_axis(
    axis: Axis, low: float, high: float, x: Scale, left: float, right: float, bottom: float
) -> Iterator[Mark]:
    yield Line(((left, bottom), (right, bottom)), "axis")
    for value, label in _ticks(axis, low, high, 8):
        yield Line(((x(value), bottom), (x(value), bottom + 4)), "axis")
        yield Text(x(value), bottom + 17, label, "tick", "middle")
    yield Text((left + right) / 2, bottom + 36, axis.label, "tick", "middle")


def _spans(chart: Chart, x: Scale, top: float, bottom: float) -> Iterator[Mark]:
    for index, span in enumerate(chart.spans):
        start, end = x(span.start), x(span.end)
        if index % 2:
            yield Box(start, top, end - start, bottom - top, "shade")
        if end - start > text_width(span.name, "span"):
            yield Text((start + end) / 2, top + 13, span.name, "span", "middle")


def _curve(series: Series, x: Scale, y: Scale, chart: Chart) -> Iterator[Mark]:
    if series.floor is not None:
        above = [(x(along), y(up)) for along, up in zip(series.x, series.y, strict=True)]
        below = [(x(along), y(down)) for along, down in zip(series.x, series.floor, strict=True)]
        yield Line((*above, *reversed(below)), f"area{series.colour}", closed=True)
        return
    few = len(series.x) <= _FEW
    for points in _pieces(series, x, y, chart):
        if len(points) > 1:
            yield Line(tuple(_thinned(points)), f"series{series.colour}")
        if few or len(points) == 1:
            yield from (Dot(*point, f"series{series.colour}") for point in points)


def _pieces(series: Series, x: Scale, y: Scale, chart: Chart) -> Iterator[list[tuple[float, float]]]:
    """The curve in pixels, broken where it has no value, or none that its axis can show."""
    piece: list[tuple[float, float]] = []
    for along, up in zip(series.x, series.y, strict=True):
        shown = math.isfinite(up) and not (chart.y.log and up <= 0) and not (chart.x.log and along <= 0)
        if shown:
            piece.append((x(along), y(up)))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _thinned(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Of the points in one column of pixels the first, the extremes and the last, so that no peak is lost."""
    column: list[tuple[float, float]] = []
    for point in (*points, None):
        if column and (point is None or int(point[0]) != int(column[0][0])):
            kept = {0, len(column) - 1}
            kept |= {min(range(len(column)), key=lambda i: column[i][1])}
            kept |= {max(range(len(column)), key=lambda i: column[i][1])}
            yield from (column[index] for index in sorted(kept))
            column = []
        if point is not None:
            column.append(point)
