"""Lines of a file with marks below them, as a terminal shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

TAB = 4
WIDTH = 100  # columns of text that a snippet shows; longer lines are cut around the mark
_CUT = "..."


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` to `end` of a text, told in `text`; `sign` is `^` or `-`."""

    start: int
    end: int
    text: str
    sign: str


def position(source: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both from 1."""
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def snippet(source: str, marks: Sequence[Mark], gutter: int) -> list[str]:
    """The marked lines of `source`; lines between them are left out where there is more than one.

    The first mark of a line stands nearest to it. A mark of several lines shows on its first.
    """
    lines = source.split("\n")
    by_line: dict[int, list[tuple[int, int, Mark]]] = {}
    for mark in marks:
        line, column = position(source, mark.start)
        length = max(mark.end - mark.start, 1)
        by_line.setdefault(line, []).append((column - 1, column - 1 + length, mark))
    shown: list[str] = []
    last = 0
    for line in sorted(by_line):
        if last and line - last == 2:
            shown.append(_numbered(last + 1, _Row(lines[last]).text, gutter))
        elif last and line - last > 2:
            shown.append(_CUT)
        last = line
        row = _Row(lines[line - 1], by_line[line][0][0])
        shown.append(_numbered(line, row.text, gutter))
        for start, end, mark in by_line[line]:
            begin, width = row.span(start, end)
            under = f"{' ' * begin}{mark.sign * width} {mark.text}".rstrip()
            shown.append(f"{' ' * gutter} | {under}")
    return shown


def _numbered(line: int, text: str, gutter: int) -> str:
    return f"{line:>{gutter}} | {text}".rstrip()


class _Row:
    """One line as it is displayed: tabs spread, wide characters counted twice, long lines cut."""

    def __init__(self, line: str, focus: int = 0) -> None:
        first = max(0, focus - WIDTH // 3) if len(line) > WIDTH else 0
        cells = [_cell(character) for character in line[first : first + WIDTH]]
        self.first = first
        self.lead = len(_CUT) if first else 0
        self.stops = [self.lead]
        for cell in cells:
            self.stops.append(self.stops[-1] + _columns(cell))
        cut = len(line) > first + WIDTH
        self.text = (_CUT if first else "") + "".join(cells) + (_CUT if cut else "")

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Column and width, on the display, of the characters `start` to `end`."""
        last = len(self.stops) - 1
        begin = self.stops[min(max(start - self.first, 0), last)]
        until = self.stops[min(max(end - self.first, 0), last)]
        return begin, max(until - begin, 1)


def _cell(character: str) -> str:
    if character == "\t":
        return " " * TAB
    return character if character.isprintable() or unicodedata.combining(character) else "\ufffd"


def _columns(cell: str) -> int:
    if len(cell) > 1:
        return len(cell)
    if unicodedata.combining(cell) or unicodedata.category(cell) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(cell) in "WF" else 1
