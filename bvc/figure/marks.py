"""A drawing: marks with places in pixels and roles that say what they are. Both writers draw the same marks.

A role is `title`, `tick`, `name`, `grid`, `axis`, `shade`, `span`, `level`, `onpart`, `series3`, `area3`,
or `part3`; the number counts colours. The place (0, 0) is the upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Anchor = Literal["start", "middle", "end"]

SIZES = {"title": 15.0, "name": 12.0, "tick": 11.0, "level": 11.0, "span": 11.0, "onpart": 11.0}
"""Height of the letters of each role, in pixels."""
_MEAN_WIDTH = 0.56
"""Mean width of a letter, as a part of its height, in the fonts that are used."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined by a line, or the area that they enclose."""

    points: tuple[tuple[float, float], ...]
    role: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A point; `radius` in pixels."""

    x: float
    y: float
    role: str
    radius: float = 2.4


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    role: str


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; (x, y) is on its base line, at its start, middle or end."""

    x: float
    y: float
    text: str
    role: str
    anchor: Anchor = "start"


Mark = Line | Dot | Box | Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a plane of so many pixels, those in front last; `title` says what it is to those who can't see it."""

    width: float
    height: float
    title: str
    marks: tuple[Mark, ...]


def text_width(text: str, role: str) -> float:
    """About how many pixels a text takes."""
    return len(text) * SIZES[role] * _MEAN_WIDTH


def cut(text: str, most: int) -> str:
    """A text of at most so many letters.

    >>> cut("a_long_name", 6)
    'a_lon…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"
