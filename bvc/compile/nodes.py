"""Rewriting an IR: every component of it, wherever it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bvc.component.annotation import FileRole
from bvc.diagnostics import Origin
from bvc.ir import Node


def map_nodes(value: Any, change: Callable[[Node], Node]) -> Any:
    """A copy of an IR value in which every node was replaced by `change(node)`, inner ones first."""
    if isinstance(value, Origin):
        return value
    if isinstance(value, tuple):
        return tuple(map_nodes(item, change) for item in value)
    if isinstance(value, Mapping):
        return {key: map_nodes(item, change) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {name: map_nodes(item, change) for name, item in _fields(value) if _may_hold(item)}
        value = dataclasses.replace(value, **changed)
        return change(value) if isinstance(value, Node) else value
    return value


def is_file(node: Node, name: str) -> bool:
    """Whether a setting of the node is the path of a file to be read."""
    setting = node.component.settings.get(name)
    if setting is None:
        return False
    options = (setting.annotation, *getattr(setting.annotation, "__args__", ()))
    roles = [role for option in options for role in getattr(option, "__metadata__", ())]
    return any(isinstance(role, FileRole) for role in roles)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if field.name not in ("component", "origins", "feed_origins"):
            yield field.name, getattr(value, field.name)


def _may_hold(item: Any) -> bool:
    return isinstance(item, tuple | Mapping) or dataclasses.is_dataclass(item)
