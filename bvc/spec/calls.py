"""Op calls: a resolved string such as `resize(224, key='image')` becomes a `Call`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bvc.diagnostics import Failed, Origin, Place
from bvc.diagnostics.catalog import syntax as catalog
from bvc.spec.formatting import as_text
from bvc.spec.tree import Argument, Call, Leaf, Part

MOST_DEPTH = 8
_HOLE = "\x00"  # holds the place of a hole in the text that is parsed
_BLANK = re.compile(r"[ \t\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[-+]?\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][-+]?\d+)?", re.ASCII)
_WORDS = {"True": "true", "False": "false"}


def parse_call(leaf: Leaf) -> Call:
    """The call that a string says: `name` or `name(args, key=value)`.

    Arguments are numbers, quoted texts, `true`, `false`, lists `[...]`, tables `{key=value}`, and what
    `${...}` outside quotes gave, typed. Each has an origin inside the quotes of the string. Raises
    `Failed` (B0011, B0012).
    """
    return _Parser(leaf).call()


@dataclass(frozen=True, slots=True)
class _Tape:
    """The characters of a leaf, holes as `_HOLE`, with the place of each."""

    text: str
    places: Sequence[Place]
    holes: dict[int, Part]


def _tape(leaf: Leaf) -> _Tape:
    words: list[str] = []
    places: list[Place] = []
    holes: dict[int, Part] = {}
    for part in leaf.parts or (Part(leaf.value, leaf.origin.places[-1]),):
        if part.hole:
            holes[len(places)] = part
            words.append(_HOLE)
            places.append(part.place)
            continue
        value, place = str(part.value), part.place
        words.append(value)
        linear = place.end - place.start == len(value)
        for index in range(len(value)):
            at = place.start + index
            places.append(Place(place.file, at, at + 1) if linear else place)
    return _Tape("".join(words), places, holes)


class _Parser:
    def __init__(self, leaf: Leaf) -> None:
        self.leaf = leaf
        tape = _tape(leaf)
        self.text, self.places, self.holes = tape.text, tape.places, tape.holes
        self.at = 0
        self.depth = 0

    # places and origins

    def place(self, start: int, end: int) -> Place:
        if not self.places:
            return self.leaf.origin.places[-1]
        if start >= len(self.places):
            last = self.places[-1]
            return Place(last.file, last.end, last.end)
        first, last = self.places[start], self.places[max(end - 1, start)]
        return Place(first.file, first.start, last.end)

    def origin(self, start: int, end: int, behind: Origin | None = None) -> Origin:
        """The origin of what stands there; where it came from outside `std:` stays reachable."""
        around = self.leaf.origin
        places = behind.places if behind is not None else (self.place(start, end),)
        passed = (*reversed(around.places[:-1]), *(behind.via if behind else ()), *around.via)
        return Origin(places, around.table, around.bindings, tuple(dict.fromkeys(passed)), around.header)

    def wrong(self, start: int, end: int, reason: str, label: str = "", help: str | None = None) -> Failed:
        return Failed(catalog.call(self.place(start, end), reason, label, help))

    # grammar

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def sees(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def call(self) -> Call:
        self.blank()
        begin = self.at
        name = _NAME.match(self.text, begin)
        if name is None:
            raise self._no_name(begin)
        self.at = name.end()
        self.blank()
        args: list[Argument] = []
        keywords: dict[str, Argument] = {}
        keyword_places: dict[str, Place] = {}
        if self.sees("("):
            self.arguments(args, keywords, keyword_places)
            self.blank()
        if self.at < len(self.text):
            raise self._after(name.group())
        return Call(
            name.group(),
            tuple(args),
            keywords,
            self.origin(begin, len(self.text.rstrip())),
            self.place(*name.span()),
            keyword_places,
        )

    def _no_name(self, begin: int) -> Failed:
        if begin >= len(self.text):
            return self.wrong(
                0, len(self.text), "nothing is called", "empty", "name an op, or remove the item"
            )
        if begin in self.holes:
            return self.wrong(begin, begin + 1, "the name of an op stands literally", "a value")
        return self.wrong(begin, begin + 1, "a call begins with a name", "not a name")

    def _after(self, name: str) -> Failed:
        rest = self.text[self.at]
        if rest == "|":
            return self.wrong(self.at, self.at + 1, "one call per item", "", "make it two items of the array")
        help = f"arguments stand in brackets: `{name}(...)`" if rest not in ")]}" else None
        return self.wrong(self.at, self.at + 1, "something follows the call", "unexpected", help)

    def arguments(
        self, args: list[Argument], keywords: dict[str, Argument], places: dict[str, Place]
    ) -> None:
        opened = self.at
        self.at += 1
        self.blank()
        while not self.sees(")"):
            begin = self.at
            keyword = self.keyword()
            argument = self.argument(opened)
            if keyword is None:
                if keywords:
                    raise Failed(catalog.positional_after_keyword(self.place(begin, self.at)))
                args.append(argument)
            elif keyword.group() in keywords:
                name = keyword.group()
                raise Failed(catalog.argument_twice(self.place(*keyword.span()), name, places[name]))
            else:
                keywords[keyword.group()] = argument
                places[keyword.group()] = self.place(*keyword.span())
            self.separator(opened, "(", ")")
        self.at += 1

    def separator(self, opened: int, begin: str, end: str) -> None:
        """A comma, or the bracket that closes."""
        self.blank()
        if self.sees(","):
            comma = self.at
            self.at += 1
            self.blank()
            if self.sees(end):
                raise self.wrong(
                    comma, comma + 1, "a comma without an argument after it", "", "remove the comma"
                )
        elif self.at >= len(self.text):
            raise self.wrong(
                opened, opened + 1, f"`{begin}` is not closed", "opened here", f"add the `{end}`"
            )
        elif not self.sees(end):
            reason = "a value cannot be glued to other text" if self._glued() else "a comma is missing"
            help = "put quotes around the whole text" if self._glued() else f"expected `,` or `{end}` here"
            raise self.wrong(self.at, self.at + 1, reason, "", help)

    def _glued(self) -> bool:
        return self.at in self.holes or self.at - 1 in self.holes

    def keyword(self) -> re.Match[str] | None:
        """The `key` of `key=value`, read together with its `=`."""
        name = _NAME.match(self.text, self.at)
        if name is None:
            return None
        after = _BLANK.match(self.text, name.end())
        end = after.end() if after else name.end()
        if not self.text.startswith("=", end):
            return None
        self.at = end + 1
        self.blank()
        return name

    def argument(self, opened: int) -> Argument:
        begin = self.at
        if begin >= len(self.text):
            raise self.wrong(opened, opened + 1, f"`{self.text[opened]}` is not closed", "opened here")
        value, behind = self.value()
        return Argument(value, self.origin(begin, self.at, behind))

    def value(self) -> tuple[object, Origin | None]:
        """A value, and the origin of the hole where it is one."""
        character = self.text[self.at : self.at + 1]
        if self.at in self.holes:
            part = self.holes[self.at]
            self.at += 1
            return part.value, part.origin
        if character in ("'", '"'):
            return self.quoted(character)
        if character == "[":
            return self.nested(self.items), None
        if character == "{":
            return self.nested(self.pairs), None
        if number := _NUMBER.match(self.text, self.at):
            return self.number(number), None
        if word := _NAME.match(self.text, self.at):
            self.at = word.end()
            if word.group() in ("true", "false"):
                return word.group() == "true", None
            raise self._bare(word)
        raise self.wrong(self.at, self.at + 1, "a value is missing", "expected a value")

    def _bare(self, word: re.Match[str]) -> Failed:
        name = word.group()
        if name in _WORDS:
            help = f"write `{_WORDS[name]}`"
        elif name == "None":
            help = "leave the argument out"
        elif self.sees("("):
            help = "calls cannot stand inside calls"
        else:
            help = f"write `'{name}'`"
        return self.wrong(*word.span(), f"`{name}` is not a value", "a text stands in quotes", help)

    def number(self, found: re.Match[str]) -> int | float:
        digits = found.group().replace("_", "")
        after = self.text[found.end() : found.end() + 1]
        if after == "." or after == "_" or after.isalnum():
            raise self.wrong(found.start(), found.end() + 1, "not a number", "", "texts stand in quotes")
        whole = digits.lstrip("+-").isdecimal()
        if len(digits) > 40 or (whole and not -(2**63) <= int(digits) < 2**63):
            raise self.wrong(*found.span(), "number too large", "out of range")
        self.at = found.end()
        return int(digits) if whole else float(digits)

    def quoted(self, quote: str) -> tuple[str, Origin | None]:
        begin = self.at
        self.at += 1
        words: list[str] = []
        inside: list[Part] = []
        while not self.sees(quote):
            if self.at >= len(self.text):
                help = f"add the closing {quote}"
                raise self.wrong(begin, begin + 1, "the quotes are not closed", "opened here", help)
            character = self.text[self.at]
            if self.at in self.holes:
                inside.append(self.holes[self.at])
                character = as_text(self.holes[self.at].value)
            elif character == "\\" and self.text[self.at + 1 : self.at + 2] in ("'", '"', "\\"):
                self.at += 1
                character = self.text[self.at]
            words.append(character)
            self.at += 1
        self.at += 1
        behind = inside[0].origin if len(inside) == 1 and self.at - begin == 3 else None
        return "".join(words), behind

    def nested(self, read: Callable[[], object]) -> object:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.wrong(self.at, self.at + 1, f"nested more than {MOST_DEPTH} levels deep")
        found = read()
        self.depth -= 1
        return found

    def items(self) -> list[object]:
        opened = self.at
        self.at += 1
        self.blank()
        found: list[object] = []
        while not self.sees("]"):
            found.append(self.argument(opened).value)
            self.separator(opened, "[", "]")
        self.at += 1
        return found

    def pairs(self) -> dict[str, object]:
        opened = self.at
        self.at += 1
        self.blank()
        found: dict[str, object] = {}
        while not self.sees("}"):
            begin = self.at
            key = self.keyword()
            if key is None:
                raise self.wrong(begin, begin + 1, "`key=value` expected between `{` and `}`")
            if key.group() in found:
                raise self.wrong(*key.span(), f"`{key.group()}` is given twice", "again here")
            found[key.group()] = self.argument(opened).value
            self.separator(opened, "{", "}")
        self.at += 1
        return found
