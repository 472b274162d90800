"""Tables of tables, such as `[evals]`: what stands in each under the name that the spec gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bvc.bind.found import Invalid
from bvc.bind.value import Reader
from bvc.diagnostics import Origin
from bvc.spec.tree import Node

T = TypeVar("T")

Item = Callable[[str, Node, Origin], T | Invalid]
"""Reads one of them: its name, what stands there, the place of the name."""


def bind_named(reader: Reader, node: Node | None, owner: str, item: Item[T]) -> dict[str, T]:
    """Name -> what `item` makes of the table of that name, for those that have no errors.

    Args:
        reader: converts values.
        node: the table of tables; None if there is none.
        owner: its name in messages.
        item: reads one of the tables.
    """
    tables = None if node is None else reader.expect_table(node, owner)
    if tables is None or isinstance(tables, Invalid):
        return {}
    read = {
        name: item(name, inner, tables.keys.get(name, inner.origin)) for name, inner in tables.items.items()
    }
    return {name: found for name, found in read.items() if not isinstance(found, Invalid)}
