"""Values in words: what was found, and the same value spelled so that it has the wanted type."""

from __future__ import annotations

import typing
from typing import Any

from bvc.bind.quantity import parse
from bvc.spec.tree import Array, Leaf, Node, Table


def found_in_words(node: Node) -> str:
    """What kind of value a node is: `a string`, `an int`, `a table`, ..."""
    if isinstance(node, Table):
        return "a table"
    if isinstance(node, Array):
        return "an array"
    return article(_TYPES.get(type(node.value), "date or time"))


_TYPES: dict[type, str] = {str: "string", int: "int", float: "float", bool: "bool"}


def article(words: str) -> str:
    """`a string`, `an int`; what is quoted or in brackets has none."""
    if words.startswith(('"', "[", "nothing")):
        return words
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def mended(node: Node, annotation: Any, name: str) -> str | None:
    """The same value, spelled so that it has the wanted type, where that is possible."""
    value = node.value if isinstance(node, Leaf) else None
    options = typing.get_args(annotation) or (annotation,)
    if isinstance(value, str):
        if bool in options and value.lower() in ("true", "false"):
            return f"remove the quotes: `{name} = {value.lower()}`"
        if (int in options or float in options) and parse(value) and not parse(value).unit:  # type: ignore[union-attr]
            return f"remove the quotes: `{name} = {value}`"
    if isinstance(value, float) and int in options and value.is_integer():
        return f"write it as an int: `{name} = {int(value)}`"
    if str in options and isinstance(value, int | float):
        return f'put it in quotes: `{name} = "{value}"`'
    return None
