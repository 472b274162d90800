"""What an expression between `${` and `}` consists of.

Every node has `start` and `end`: characters of the text that it was read from.
"""

from __future__ import annotations

from dataclasses import dataclass

FUNCTIONS = ("min", "max", "int", "round")
WORDS = ("if", "else", "or", "and", "not", "in", "true", "false")


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A number, a text, `true` or `false`."""

    value: str | int | float | bool
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A loop variable, a param or a let."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """The dot that begins `.data.train`: the resulting tree of the file."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """`of.key`."""

    of: Expression
    key: str
    key_start: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """`of[key]`."""

    of: Expression
    key: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """`-x` or `not x`."""

    operator: str
    operand: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """Arithmetic, a comparison, `and`, `or`, `in`, `not in` or `??`."""

    operator: str
    left: Expression
    right: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`value if test else other`."""

    value: Expression
    test: Expression
    other: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """`min(...)`, `max(...)`, `int(...)` or `round(...)`."""

    function: str
    arguments: tuple[Expression, ...]
    start: int
    end: int


Expression = Literal | Name | Root | Member | Index | Unary | Binary | Choice | Apply


def parts(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside `node`."""
    match node:
        case Member():
            return (node.of,)
        case Index():
            return (node.of, node.key)
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Choice():
            return (node.value, node.test, node.other)
        case Apply():
            return node.arguments
        case _:
            return ()
