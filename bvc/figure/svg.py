"""A drawing as SVG. Its colours are the classes of `bvc/figure/page.py`, so that a page turns dark with its reader."""

from __future__ import annotations

from html import escape

from bvc.figure.colours import COLOURS, numbered
from bvc.figure.marks import Box, Dot, Drawing, Line, Mark, Text


def svg(drawing: Drawing) -> str:
    """One `<svg>` element that scales with its surroundings."""
    size = f"0 0 {_n(drawing.width)} {_n(drawing.height)}"
    head = f'<svg viewBox="{size}" role="img" aria-label="{escape(drawing.title)}">'
    return "\n".join([head, *(_element(mark) for mark in drawing.marks), "</svg>"])


def _element(mark: Mark) -> str:
    role = f'class="{_classes(mark.role)}"'
    if isinstance(mark, Text):
        return f'<text x="{_n(mark.x)}" y="{_n(mark.y)}" text-anchor="{mark.anchor}" {role}>{escape(mark.text)}</text>'
    if isinstance(mark, Box):
        return f'<rect x="{_n(mark.x)}" y="{_n(mark.y)}" width="{_n(mark.width)}" height="{_n(mark.height)}" {role}/>'
    if isinstance(mark, Dot):
        return f'<circle cx="{_n(mark.x)}" cy="{_n(mark.y)}" r="{_n(mark.radius)}" {role}/>'
    return _line(mark, role)


def _line(mark: Line, role: str) -> str:
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in mark.points)
    return f'<{"polygon" if mark.closed else "polyline"} points="{points}" {role}/>'


def _classes(role: str) -> str:
    """`series c3` for `series11`, with `again` where the colours began anew."""
    own = numbered(role)
    if own is None:
        return role
    kind, number = own
    return f"{kind} c{number % COLOURS}{' again' if number >= COLOURS else ''}"


def _n(value: float) -> str:
    """A length in pixels, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
