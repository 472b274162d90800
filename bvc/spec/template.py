"""A string cut into what stands there literally and what `${...}` will put there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import expressions as catalog
from bvc.spec.expression import Expression
from bvc.spec.parse import parse
from bvc.spec.text import Text

_FORMAT = re.compile(r"(?:[^{}]?[<>^])?0?\d{0,2},?(?:\.\d{1,2})?[dxobefgs%]?")


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Characters `start` to `end` of the text, literally; for `$${`, only its last two characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """`${expression:format}`; `start` and `end` include the `${` and the `}`."""

    expression: Expression
    format: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The pieces of a text, in order."""

    text: Text
    pieces: tuple[Stretch | Hole, ...]

    @property
    def holes(self) -> list[Hole]:
        """The `${...}` of the text."""
        return [piece for piece in self.pieces if isinstance(piece, Hole)]

    @property
    def lone(self) -> Hole | None:
        """The hole, where the text is one hole and nothing else: then it is a typed value."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], Hole) and not self.pieces[0].format:
            return self.pieces[0]
        return None


def template(text: Text) -> Template:
    """Reads the holes of `text`. Raises `Failed` where one is no expression."""
    source = text.value
    pieces: list[Stretch | Hole] = []
    begin = position = 0
    while (position := source.find("${", position)) >= 0:
        if position > begin and source[position - 1] == "$":  # `$${` stands for `${`
            if position - 1 > begin:
                pieces.append(Stretch(begin, position - 1))
            begin = position
            position += 2
            continue
        if position > begin:
            pieces.append(Stretch(begin, position))
        expression, end = parse(text, position + 2, hole=True)
        written = ""
        if source[end] == ":":
            close = source.find("}", end)
            if close < 0:
                raise Failed(catalog.hole_not_closed(text.place(position, len(source))))
            written = source[end + 1 : close]
            if not written or not _FORMAT.fullmatch(written):
                raise Failed(catalog.bad_format(text.place(end, close), written))
            end = close
        pieces.append(Hole(expression, written, position, end + 1))
        begin = position = end + 1
    if begin < len(source):
        pieces.append(Stretch(begin, len(source)))
    return Template(text, tuple(pieces))
