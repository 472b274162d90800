"""The type of a setting in words, for messages and reference pages."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from typing import Any, Literal

from bvc.component.annotation import AtLeast, Calls, Child, FileRole, Split, Unit, Varying, ViewRole, Within

_WORDS = {int: "int", float: "float", bool: "bool", str: "string", Any: "value", type(None): "nothing"}


def describe(annotation: Any) -> str:
    """The type as a spec's author would say it.

    >>> describe(int | tuple[int, int])
    'int or [int, int]'
    >>> describe(Literal["gap", "map"])
    '"gap" or "map"'
    >>> describe(dict[str, int | str])
    'table of ints or strings'
    """
    for role in getattr(annotation, "__metadata__", ()):
        if isinstance(role, Unit):
            return "duration" if role.name == "steps" else "size in bytes"
        if isinstance(role, Child):
            return f"table of {_article(role.kind)} {role.kind}"
        if isinstance(role, FileRole):
            return "path of a file"
        if isinstance(role, Calls):
            return f"array of {role.kind} calls"
        if isinstance(role, Split):
            return "table of data"
        if isinstance(role, ViewRole):
            return "name of a view"
        if isinstance(role, AtLeast):
            return f"{describe(annotation.__origin__)} of at least {role.value:g}"
        if isinstance(role, Varying):
            return "float or table of a schedule"
        if isinstance(role, Within):
            return f"{describe(annotation.__origin__)} from {role.low:g} to {role.high:g}"
    return _plain(annotation)


def _plain(annotation: Any) -> str:
    if annotation in _WORDS:
        return _WORDS[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(arg) for arg in args if arg is not type(None))
    if origin is Literal:
        return " or ".join(f'"{arg}"' if isinstance(arg, str) else str(arg) for arg in args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return f"array of {_several(args[0])}"
    if origin is tuple:
        return f"[{', '.join(describe(arg) for arg in args)}]"
    if origin is not None and inspect.isclass(origin) and issubclass(origin, typing.cast(type, dict)):
        return f"table of {_several(args[1])}"
    if origin is not None and args:
        return f"array of {_several(args[0])}"
    if dataclasses.is_dataclass(annotation):
        return "table"
    return getattr(annotation, "__name__", str(annotation))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _several(annotation: Any) -> str:
    """The type in the plural."""
    if annotation in _WORDS and annotation is not type(None):
        return f"{_WORDS[annotation]}s"
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return " or ".join(_several(arg) for arg in typing.get_args(annotation))
    described = describe(annotation)
    first, *rest = described.split(" ", 1)
    if first in ("array", "table", "duration", "size"):
        return " ".join([f"{first}s", *rest])
    return described
