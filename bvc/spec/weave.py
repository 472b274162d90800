"""Strings put together from what stands in them and what their holes give."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bvc.diagnostics import Failed, Origin
from bvc.diagnostics.catalog import expressions as catalog
from bvc.spec.formatting import as_text, call_literal, escaped, formatted
from bvc.spec.template import Stretch, Template
from bvc.spec.tree import Leaf, Part

MOST_CHARACTERS = 65_536
_CALL = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_]*\s*\(")


def literal_leaf(pieces: Template, origin: Origin) -> Leaf:
    """The leaf of a string without holes."""
    return woven(pieces, (), origin)


def woven(pieces: Template, values: Sequence[tuple[object, Origin]], origin: Origin) -> Leaf:
    """The leaf of a string whose holes have `values`, in order.

    In an op call a hole outside quotes is a value and is written as a literal, so that the text alone
    says the same as the parts. Raises `Failed` (B0160, B0161).
    """
    text = pieces.text
    parts: list[Part] = []
    words: list[str] = []
    given = iter(values)
    quotes = Quotes() if _is_call(pieces) else None
    for piece in pieces.pieces:
        if isinstance(piece, Stretch):
            for begin, end in text.runs(piece.start, piece.end):
                parts.append(Part(text.value[begin:end], text.place(begin, end)))
            literal = text.value[piece.start : piece.end]
            words.append(literal)
            if quotes is not None:
                quotes.read(literal)
            continue
        value, chain = next(given)
        place = text.place(piece.start, piece.end)
        if piece.format:
            shown = formatted(value, piece.format)
            if shown is None:
                raise Failed(catalog.format_does_not_fit(place, piece.format, as_text(value)))
            value = shown
        parts.append(Part(value, place, True, piece.format, chain))
        if quotes is None:
            words.append(as_text(value))
        else:
            words.append(escaped(as_text(value), quotes.open) if quotes.open else call_literal(value))
    result = "".join(words)
    if len(result) > MOST_CHARACTERS:
        raise Failed(catalog.text_too_long(origin.places[0], MOST_CHARACTERS))
    return Leaf(result, origin, tuple(parts))


class Quotes:
    """Whether the text read so far ends inside quotes; `open` is the quote, or empty."""

    def __init__(self) -> None:
        self.open = ""

    def read(self, text: str) -> None:
        """Goes on to the end of `text`."""
        skip = False
        for character in text:
            if skip:
                skip = False
            elif self.open:
                skip = character == "\\"
                if character == self.open:
                    self.open = ""
            elif character in "'\"":
                self.open = character


def _is_call(pieces: Template) -> bool:
    first, last = pieces.pieces[0] if pieces.pieces else None, pieces.pieces[-1] if pieces.pieces else None
    if not isinstance(first, Stretch) or not isinstance(last, Stretch):
        return False
    value = pieces.text.value
    return bool(_CALL.match(value[first.start : first.end])) and value[
        last.start : last.end
    ].rstrip().endswith(")")
