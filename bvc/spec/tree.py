"""The resolved tree: plain values, each of which knows where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time

from bvc.diagnostics import Origin, Place

Scalar = str | int | float | bool | datetime | date | time


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a text.

    Text that stands literally in the spec has `value` of type str and `hole=False`; what a `${}` put
    there has the referenced value, typed, and `hole=True`. `place` is the stretch (or the `${...}`)
    in the file; `origin` the whole chain of a hole's value.
    """

    value: object
    place: Place
    hole: bool = False
    format: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar. `parts` are given for strings, so that a reader can point inside them.

    `replaced` are the places of the values that it was laid over, nearest first.
    """

    value: Scalar
    origin: Origin
    parts: tuple[Part, ...] = ()
    replaced: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Array:
    """An array of nodes. `replaced` as in `Leaf`."""

    items: tuple[Node, ...]
    origin: Origin
    replaced: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table of nodes. `keys` tells where each key was written."""

    items: dict[str, Node]
    origin: Origin
    keys: dict[str, Origin] = field(default_factory=dict[str, Origin])

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def get(self, key: str) -> Node | None:
        """The node under `key`, or None."""
        return self.items.get(key)


Node = Leaf | Array | Table


def plain(node: Node) -> object:
    """The bare value: dicts, lists and scalars, without origins."""
    if isinstance(node, Leaf):
        return node.value
    if isinstance(node, Array):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.items.items()}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call: a plain value (scalar, list or dict) and where it came from."""

    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Call:
    """`name(args..., key=value...)` as written in a pipeline."""

    name: str
    args: tuple[Argument, ...]
    keywords: dict[str, Argument]
    origin: Origin
    name_place: Place
    keyword_places: dict[str, Place] = field(default_factory=dict[str, Place])
