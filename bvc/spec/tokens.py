"""The words of an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import expressions as catalog
from bvc.spec.text import Text

Kind = Literal["number", "text", "name", "sign", "end"]

MOST_TOKENS = 256
_BLANK = re.compile(r"[ \t\n]*")
_NUMBER = re.compile(r"\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+)?", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGN = re.compile(r"\*\*|//|\?\?|==|!=|<=|>=|[-+*/%<>().,:\[\]]")
_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(['\"\\])")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression: characters `start` to `end` of the text."""

    kind: Kind
    value: str | int | float
    start: int
    end: int


def tokens(text: Text, start: int, *, hole: bool) -> list[Token]:
    """The tokens of the expression that begins at `start`; the last one has kind `end`.

    In a hole (`${...}`) the expression ends at the first `}`, or `:` outside brackets; otherwise at the
    end of the text. Raises `Failed` where a character cannot begin a token.
    """
    source = text.value
    found: list[Token] = []
    depth = 0
    position = start
    while True:
        blank = _BLANK.match(source, position)
        position = blank.end() if blank else position
        if position >= len(source):
            if hole:
                raise Failed(catalog.hole_not_closed(text.place(start - 2, len(source))))
            return [*found, Token("end", "", position, position)]
        character = source[position]
        if hole and (character == "}" or (character == ":" and depth == 0)):
            return [*found, Token("end", character, position, position)]
        token = _token(text, position)
        depth += (token.value in ("(", "[")) - (token.value in (")", "]")) if token.kind == "sign" else 0
        found.append(token)
        position = token.end
        if len(found) > MOST_TOKENS:
            raise Failed(catalog.expression_too_long(text.place(start, position), MOST_TOKENS))


def _token(text: Text, position: int) -> Token:
    source = text.value
    if found := _NUMBER.match(source, position):
        digits = found.group().replace("_", "")
        if len(digits) > 40:
            raise Failed(catalog.number_too_large(text.place(position, found.end())))
        value = int(digits) if digits.isdecimal() else float(digits)
        if found.end() < len(source) and (source[found.end()].isalnum() or source[found.end()] == "_"):
            raise Failed(catalog.bad_number(text.place(position, found.end() + 1)))
        return Token("number", value, position, found.end())
    if found := _NAME.match(source, position):
        return Token("name", found.group(), position, found.end())
    if found := _QUOTED.match(source, position):
        body = found.group(1) if found.group(1) is not None else found.group(2)
        return Token("text", _ESCAPE.sub(r"\1", body), position, found.end())
    if source[position] in "'\"":
        raise Failed(catalog.text_not_closed(text.place(position, position + 1)))
    if found := _SIGN.match(source, position):
        return Token("sign", found.group(), position, found.end())
    raise Failed(catalog.unexpected_character(text.place(position, position + 1), source[position]))
