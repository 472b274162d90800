"""Expressions, by recursive descent with a table of binding powers; the grammar is in docs/language.md."""

from __future__ import annotations

from dataclasses import replace

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import expressions as catalog
from bvc.spec.expression import (
    FUNCTIONS,
    WORDS,
    Apply,
    Binary,
    Choice,
    Expression,
    Index,
    Literal,
    Member,
    Name,
    Root,
    Unary,
)
from bvc.spec.text import Text
from bvc.spec.tokens import Token, tokens

MOST_DEPTH = 48

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")
_POWERS = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(_COMPARISONS, 4),
    "??": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "//": 7,
    "%": 7,
    "**": 9,
}
_NOT, _MINUS = 3, 8


def parse(text: Text, start: int = 0, *, hole: bool = False) -> tuple[Expression, int]:
    """The expression that begins at `start`, and the position after it: the `}` or `:` of a hole.

    Raises `Failed` (B0150, B0161) where the text is no expression.
    """
    parser = _Parser(text, tokens(text, start, hole=hole))
    if parser.ended():
        raise Failed(
            catalog.empty_expression(text.place(max(start - 2, 0) if hole else start, parser.next.end))
        )
    found = parser.choice()
    if not parser.ended():
        raise Failed(parser.unexpected())
    return found, parser.next.start


class _Parser:
    def __init__(self, text: Text, words: list[Token]) -> None:
        self.text = text
        self.words = words
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.words[self.at]

    def ended(self) -> bool:
        return self.next.kind == "end"

    def sees(self, *values: str) -> bool:
        return self.next.kind in ("sign", "name") and self.next.value in values

    def take(self) -> Token:
        token = self.next
        self.at += 1
        return token

    def expect(self, value: str, opened: Token) -> Token:
        if self.sees(value):
            return self.take()
        if self.next.kind == "end":
            place = self.text.place(opened.start, opened.end)
            raise Failed(catalog.bracket_not_closed(place, str(opened.value), value))
        raise Failed(self.unexpected())

    def unexpected(self) -> Diagnostic:
        token = self.next
        if token.kind == "end":
            before = self.words[self.at - 1]
            return catalog.expression_ends_early(
                self.text.place(before.start, before.end), self.text.value[before.start : before.end]
            )
        word = self.text.value[token.start : token.end]
        return catalog.unexpected_word(self.text.place(token.start, token.end), word)

    def choice(self) -> Expression:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Failed(
                catalog.expression_too_deep(self.text.place(self.next.start, self.next.end), MOST_DEPTH)
            )
        value = self.operation(0)
        if self.sees("if"):
            self.take()
            test = self.operation(0)
            if not self.sees("else"):
                raise Failed(catalog.else_missing(self.text.place(value.start, test.end)))
            self.take()
            other = self.choice()
            value = Choice(value, test, other, value.start, other.end)
        self.depth -= 1
        return value

    def operation(self, power: int) -> Expression:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Failed(
                catalog.expression_too_deep(self.text.place(self.next.start, self.next.end), MOST_DEPTH)
            )
        left = self.operand(power)
        while (operator := self.operator()) is not None and _POWERS[operator] > power:
            for _ in operator.split():
                self.take()
            binding = _POWERS[operator]
            right = self.operation(binding - 1 if operator == "**" else binding)
            if operator in _COMPARISONS and self.operator() in _COMPARISONS:
                raise Failed(catalog.chained_comparison(self.text.place(left.start, self.next.end)))
            left = Binary(operator, left, right, left.start, right.end)
        self.depth -= 1
        return left

    def operator(self) -> str | None:
        if self.sees("not") and self.words[self.at + 1].value == "in":
            return "not in"
        return str(self.next.value) if self.sees(*_POWERS) else None

    def operand(self, power: int) -> Expression:
        if self.sees("-"):
            sign = self.take()
            operand = self.operation(_MINUS)
            return Unary("-", operand, sign.start, operand.end)
        if self.sees("not") and power <= _NOT:
            sign = self.take()
            operand = self.operation(_NOT)
            return Unary("not", operand, sign.start, operand.end)
        return self.suffixes(self.atom())

    def atom(self) -> Expression:
        token = self.next
        if token.kind in ("number", "text"):
            self.take()
            return Literal(token.value, token.start, token.end)
        if self.sees("true", "false"):
            self.take()
            return Literal(token.value == "true", token.start, token.end)
        if self.sees("("):
            self.take()
            inside = self.choice()
            closed = self.expect(")", token)
            if isinstance(inside, (Binary, Unary, Choice)):
                return replace(inside, start=token.start, end=closed.end)
            return inside
        if self.sees("."):
            return Root(token.start, token.end)
        if token.kind == "name" and token.value not in WORDS:
            self.take()
            name = str(token.value)
            if self.sees("("):
                return self.apply(token, name)
            return Name(name, token.start, token.end)
        raise Failed(self.unexpected())

    def apply(self, token: Token, name: str) -> Expression:
        if name not in FUNCTIONS:
            raise Failed(catalog.unknown_function(self.text.place(token.start, token.end), name, FUNCTIONS))
        opened = self.take()
        arguments = [self.choice()]
        while self.sees(","):
            self.take()
            arguments.append(self.choice())
        closed = self.expect(")", opened)
        return Apply(name, tuple(arguments), token.start, closed.end)

    def suffixes(self, of: Expression) -> Expression:
        while self.sees(".", "["):
            opened = self.take()
            if opened.value == "[":
                key = self.choice()
                closed = self.expect("]", opened)
                of = Index(of, key, of.start, closed.end)
                continue
            key = self.next
            if key.kind == "name" or isinstance(key.value, int):
                self.take()
                of = Member(of, self.text.value[key.start : key.end], key.start, of.start, key.end)
            else:
                raise Failed(self.unexpected())
        return of
