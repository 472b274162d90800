"""A TOML text as it was written: its values, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bvc.diagnostics import Place
from bvc.spec.text import Text
from bvc.spec.tree import Scalar


@dataclass(frozen=True, slots=True, eq=False)
class WrittenScalar:
    """A scalar; `text` is given for strings."""

    value: Scalar
    place: Place
    text: Text | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WrittenArray:
    """An array. One that `[[headers]]` made has the first header as its place."""

    items: tuple[Written, ...]
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class WrittenTable:
    """A table, whichever way it was spelled."""

    items: dict[str, Written]
    place: Place
    keys: dict[str, Place] = field(default_factory=dict[str, Place])


Written = WrittenScalar | WrittenArray | WrittenTable


def strings(node: Written) -> Iterator[WrittenScalar]:
    """Every string at or below `node`."""
    if isinstance(node, WrittenScalar):
        if node.text is not None:
            yield node
    else:
        for item in node.items if isinstance(node, WrittenArray) else node.items.values():
            yield from strings(item)


def kind(value: object) -> str:
    """What a value is called in messages: `a string`, `an int`, `a table` ..."""
    if isinstance(value, WrittenScalar):
        return kind(value.value)
    if isinstance(value, (WrittenArray, list, tuple)):
        return "an array"
    if isinstance(value, (WrittenTable, dict)):
        return "a table"
    if isinstance(value, bool):
        return "a bool"
    if isinstance(value, int):
        return "an int"
    if isinstance(value, float):
        return "a float"
    return "a string" if isinstance(value, str) else "a date or time"
