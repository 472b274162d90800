"""Charts become marks: gaps where nothing was measured, peaks kept, ranges that never are empty."""

import io
import math
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from bvc.figure.chart import Axis, Chart, Level, Series, Span, wants_log
from bvc.figure.marks import Dot, Drawing, Line, Text
from bvc.figure.page import figures, page, section, table
from bvc.figure.plot import draw
from bvc.figure.png import png
from bvc.figure.svg import svg

STEP = Axis("step")


def chart(y, *, log=False, **more) -> Chart:
    return Chart("loss", STEP, Axis("nats", log), (Series("a", range(len(y)), y),), **more)


def lines(drawing: Drawing) -> list[Line]:
    return [mark for mark in drawing.marks if isinstance(mark, Line) and mark.role == "series0"][
        1:
    ]  # the legend's


def test_a_curve_has_a_gap_where_it_is_not_finite() -> None:
    assert [len(line.points) for line in lines(draw(chart([1, 2, math.nan, 3, 4, math.inf, 5])))] == [2, 2]


def test_what_a_log_axis_cannot_show_is_a_gap() -> None:
    drawing = draw(chart([0.0, 1.0, 10.0, -1.0, 5.0], log=True))
    assert [len(line.points) for line in lines(drawing)] == [2]
    assert any(isinstance(mark, Text) and mark.text == "nats, log scale" for mark in drawing.marks)


@pytest.mark.parametrize("y", [[], [3.0], [0.0, 0.0], [math.nan], [1e30, 1e30], [-1e-12, 1e-12]])
@pytest.mark.parametrize("log", [False, True])
def test_every_curve_can_be_drawn(y: list[float], log: bool) -> None:
    drawing = draw(chart(y, log=log))
    places = [point for mark in drawing.marks if isinstance(mark, Line) for point in mark.points]
    assert all(math.isfinite(value) for point in places for value in point)
    ElementTree.fromstring(svg(drawing))
    assert Image.open(io.BytesIO(png(drawing))).size == (1280, 680)


def test_a_long_curve_keeps_its_peak() -> None:
    y = [1.0] * 50_000
    y[31_234] = 9.0
    (line,) = lines(draw(chart(y)))
    assert len(line.points) < 4000
    heights = [point[1] for point in line.points]
    assert heights.count(min(heights)) == 1


def test_a_single_measurement_is_a_point() -> None:
    assert any(isinstance(mark, Dot) for mark in draw(chart([3.0])).marks)


def test_the_legend_wraps_and_has_the_last_value() -> None:
    many = Chart("a", STEP, Axis(""), tuple(Series(f"a run named {n}", (0, 1), (1, n), n) for n in range(12)))
    drawing = draw(many)
    assert drawing.height > 340
    names = [mark.text for mark in drawing.marks if isinstance(mark, Text) and mark.role == "name"]
    assert names[7] == "a run named 7  7"


def test_a_log_axis_is_for_what_passes_decades_and_one() -> None:
    assert wants_log([20.0, 1.0, 0.1])
    assert not wants_log([0.001, 0.5, 0.9])
    assert not wants_log([20.0, 15.0, 10.0])
    assert not wants_log([0.0, 200.0, 1.0])


def test_levels_spans_and_areas_are_drawn() -> None:
    under = Series("state", (0, 1, 2), (1, 2, 1), 3, floor=(0, 0, 0))
    shown = Chart(
        "m", STEP, Axis("B"), (under,), (Level("limit", 5.0),), (Span("forward", 0, 1),), from_zero=True
    )
    text = svg(draw(shown))
    assert "<polygon" in text and "limit 5" in text and 'class="level"' in text
    png(draw(shown), "dark")


def test_a_page_loads_nothing_and_escapes_what_others_wrote() -> None:
    title = "<script>alert('x')</script>"
    drawn = Chart(title, STEP, Axis(""), (Series(title, (0, 1), (1, 2)),))
    text = page(title, title, [section(title, figures([draw(drawn)]), table((title,), [(title,)]))])
    assert "<script" not in text and "http" not in text and "src=" not in text
    assert "prefers-color-scheme: dark" in text
