"""A TOML string as it was written: its characters, and where each of them stands in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bvc.diagnostics import Place

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """The decoded `value` of a string; character i was written at `offsets[i]` of `file`.

    `offsets` has one entry more than `value`: where the text ends.
    """

    value: str
    file: str
    offsets: Sequence[int]

    def place(self, start: int, end: int) -> Place:
        """Where the characters `start` to `end` (exclusive) were written."""
        if end <= start:
            return Place(self.file, self.offsets[start], self.offsets[start])
        return Place(self.file, self.offsets[start], self.offsets[end - 1] + self._width(end - 1))

    def runs(self, start: int, end: int) -> list[tuple[int, int]]:
        """The stretch cut where escapes interrupt it: within a run, characters stand side by side."""
        found: list[tuple[int, int]] = []
        begin = start
        for index in range(start + 1, end + 1):
            if index == end or self.offsets[index] != self.offsets[index - 1] + 1:
                if begin < index - 1 and self._width(index - 1) != 1:
                    found.append((begin, index - 1))
                    begin = index - 1
                found.append((begin, index))
                begin = index
        return found

    def _width(self, index: int) -> int:
        return self.offsets[index + 1] - self.offsets[index]


def whole(value: str, file: str, start: int = 0) -> Text:
    """A text that stands in `file` as it is, without quotes or escapes."""
    return Text(value, file, range(start, start + len(value) + 1))


def decode(source: str, file: str, start: int, end: int) -> Text:
    """The TOML string literal at `start` to `end` of `source`, quotes included, which tomllib accepted."""
    quote = source[start]
    triple = source.startswith(quote * 3, start) and end - start >= 6
    width = 3 if triple else 1
    first, last = start + width, end - width
    if triple and source[first : first + 1] == "\n":
        first += 1
    if quote == "'" or source.find("\\", first, last) < 0:
        return Text(source[first:last], file, range(first, last + 1))
    return _decode_escapes(source, file, first, last)


def _decode_escapes(source: str, file: str, first: int, last: int) -> Text:
    characters: list[str] = []
    offsets: list[int] = []
    position = first
    while position < last:
        begin, character = position, source[position]
        position += 1
        if character == "\\":
            letter = source[position]
            position += 1
            if letter in " \t\n":  # a line that ends in a backslash swallows the blanks that follow
                while position < last and source[position] in " \t\n":
                    position += 1
                continue
            if letter in "uU":
                digits = 4 if letter == "u" else 8
                character = chr(int(source[position : position + digits], 16))
                position += digits
            else:
                character = _ESCAPES[letter]
        characters.append(character)
        offsets.append(begin)
    return Text("".join(characters), file, (*offsets, last))
