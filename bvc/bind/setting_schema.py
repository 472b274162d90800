"""JSON Schema of a setting, from its annotation. What repeats is a definition of `schema.py`, named here."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bvc.component.annotation import (
    AtLeast,
    Calls,
    Child,
    FileRole,
    Split,
    Unit,
    Varying,
    ViewRole,
    Within,
)
from bvc.component.declare import REQUIRED, Setting, fields_of

Schema = dict[str, Any]

LANGUAGE: Schema = dict.fromkeys(("use", "with", "for"), True)
"""Keys of the language itself, which may stand in any table."""

_SCALARS: Mapping[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    Any: {},
}


def ref(name: str) -> Schema:
    """What the definition of this name describes."""
    return {"$ref": f"#/definitions/{name}"}


REFERENCE = ref("reference")
"""A text with `${`, which may stand for any value."""


def plain_definitions() -> dict[str, Schema]:
    """The definitions of types that are neither tables nor components."""
    texts = {"type": "array", "items": {"type": "string"}}
    view = {"anyOf": [{"type": "string"}, {"type": "object"}]}
    return {
        "reference": {"type": "string", "pattern": r"\$\{"},
        "steps": {"type": "string", "pattern": r"^\s*[0-9].*(steps?|epochs?|examples?|%)\s*$"},
        "bytes": {"type": "string", "pattern": r"^\s*[0-9].*B\s*$"},
        "calls": texts,
        "views": {"anyOf": [*view["anyOf"], {"type": "array", "items": view}]},
    }


def table(properties: Mapping[str, Schema | bool]) -> Schema:
    """A table with these keys and no others but the language's."""
    return {"type": "object", "properties": {**LANGUAGE, **properties}, "additionalProperties": False}


def named(inner: Schema) -> Schema:
    """A table of any names, with an `inner` for each."""
    return {"type": "object", "properties": LANGUAGE, "additionalProperties": inner}


def fields(settings: Mapping[str, Setting], *, required: bool = True) -> Schema:
    """A table of settings; with `required` those without a default must be there."""
    needed = [name for name, setting in settings.items() if setting.default is REQUIRED]
    found = table({name: of_setting(setting) for name, setting in settings.items()})
    return {**found, "required": needed} if required and needed else found


def of_setting(setting: Setting) -> Schema:
    """What a setting may be: of its type, or a reference; with its text and its default."""
    return described({"anyOf": [*_options(setting.annotation), REFERENCE]}, setting)


def described(schema: Schema, setting: Setting) -> Schema:
    """A schema with the text and the default of a setting: beside a `$ref` they would not be read."""
    found: Schema = {"allOf": [schema]} if "$ref" in schema else {**schema}
    if setting.doc:
        found["description"] = setting.doc
    if isinstance(setting.default, str | int | float | bool):
        found["default"] = setting.default
    return found


def _options(annotation: Any) -> Iterator[Schema]:
    """The alternatives of a type."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for each in typing.get_args(annotation):
            if each is not type(None):
                yield from _options(each)
    else:
        yield _type(annotation)


def _type(annotation: Any) -> Schema:
    for role in getattr(annotation, "__metadata__", ()):
        if isinstance(role, AtLeast):
            return {**_type(annotation.__origin__), "minimum": role.value}
        if isinstance(role, Within):
            return {**_type(annotation.__origin__), "minimum": role.low, "maximum": role.high}
        return _role(role)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if dataclasses.is_dataclass(annotation):
        return fields(fields_of(typing.cast("type[Any]", annotation)))
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return {"enum": list(args)}
    if origin is dict:
        return named({"anyOf": [*_options(args[1]), REFERENCE]})
    if origin in (list, tuple):
        fixed = origin is tuple and not (len(args) == 2 and args[1] is Ellipsis)
        bounds = {"minItems": len(args), "maxItems": len(args)} if fixed else {}
        return {"type": "array", "items": {"anyOf": [*_options(args[0]), REFERENCE]}, **bounds}
    return {}


def _role(role: Any) -> Schema:
    if isinstance(role, Unit):
        return ref(role.name)
    if isinstance(role, Calls):
        return ref("calls")
    if isinstance(role, Split):
        return ref("data")
    if isinstance(role, Child):
        return ref(role.kind)
    if isinstance(role, FileRole):
        return {"type": "string"}
    if isinstance(role, Varying):
        low = {"minimum": role.low} if math.isfinite(role.low) else {}
        return {"anyOf": [{"type": "number", **low}, ref("scheduled")]}
    if isinstance(role, ViewRole):
        return ref("views")
    return {}
