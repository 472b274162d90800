"""Params: how a file declares them, and what fits them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from bvc.diagnostics import Diagnostic, Failed, Place
from bvc.diagnostics.catalog import params as catalog
from bvc.spec.layers import Layer
from bvc.spec.template import template
from bvc.spec.text import Text
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable, kind

TYPES = ("bool", "int", "float", "string", "array", "table", "duration")
DECLARATION = ("default", "choices", "doc", "type")
_DURATION = re.compile(r"\s*\d+(?:_\d+)*(?:\.\d+)?\s*(?:%|[kKM]?\s*(?:steps?|epochs?|examples?))\s*")


@dataclass(frozen=True, slots=True, eq=False)
class Declaration:
    """One declaration of a param, as a file wrote it. `default` is None where a value is required."""

    name: str
    place: Place
    default: Written | None = None
    choices: WrittenArray | None = None
    doc: str = ""
    type: str = ""
    type_place: Place | None = None


@dataclass(slots=True, eq=False)
class Param:
    """A param of a mounted file.

    `value` is what was given or the default; None where neither is there, as `lacking` says.
    `declared` is where the type comes from.
    """

    name: str
    place: Place
    type: str
    declared: Place
    value: Layer | None
    default: Layer | None
    choices: WrittenArray | None = None
    doc: str = ""
    given: bool = False
    checked: bool = False
    lacking: tuple[Diagnostic, ...] = ()


def declared(name: str, place: Place, written: Written) -> tuple[Declaration | None, list[Diagnostic]]:
    """Reads `name = written` of a `[params]` table."""
    if not isinstance(written, WrittenTable):
        return Declaration(name, place, written), []
    wrong = [
        catalog.unknown_declaration_key(written.keys[key], name, key, DECLARATION)
        for key in written.items
        if key not in DECLARATION
    ]
    choices, doc, type_ = (written.items.get(key) for key in ("choices", "doc", "type"))
    if choices is not None and not (isinstance(choices, WrittenArray) and choices.items):
        wrong.append(
            catalog.bad_declaration(choices.place, name, "`choices` is an array with at least one value")
        )
    if doc is not None and not (isinstance(doc, WrittenScalar) and isinstance(doc.value, str)):
        wrong.append(catalog.bad_declaration(doc.place, name, "`doc` is a string"))
    if type_ is not None and not (isinstance(type_, WrittenScalar) and type_.value in TYPES):
        wrong.append(catalog.unknown_type(type_.place, name, getattr(type_, "value", ""), TYPES))
    if wrong:
        return None, wrong
    return (
        Declaration(
            name,
            place,
            written.items.get("default"),
            choices if isinstance(choices, WrittenArray) else None,
            str(doc.value) if isinstance(doc, WrittenScalar) else "",
            str(type_.value) if isinstance(type_, WrittenScalar) else "",
            type_.place if type_ is not None else None,
        ),
        [],
    )


def merged(far: Declaration | None, near: Declaration) -> Declaration:
    """A nearer declaration over a farther one: what the nearer one doesn't say stays."""
    if far is None:
        return near
    type_, place = (near.type, near.type_place) if near.type else (far.type, far.type_place)
    if not type_ and far.default is not None:
        type_, place = type_of(far.default), far.default.place
    return Declaration(
        near.name,
        near.place,
        near.default if near.default is not None else far.default,
        near.choices or far.choices,
        near.doc or far.doc,
        type_,
        place,
    )


def type_of(written: Written) -> str:
    """The type that a default declares; empty where it is an expression, whose value decides."""
    if isinstance(written, WrittenArray):
        kinds = {type_of(item) for item in written.items}
        inner = kinds.pop() if len(kinds) == 1 else ""
        return f"array of {inner}" if inner else "array"
    if isinstance(written, WrittenTable):
        return "table"
    if written.text is not None and "${" in written.text.value:
        return _type_of_text(written.text)
    return kind(written).removeprefix("an ").removeprefix("a ")


def _type_of_text(text: Text) -> str:
    try:
        pieces = template(text)
    except Failed:
        return ""
    return "" if pieces.lone else "string"


def fits(value: object, type_: str) -> bool:
    """Whether a plain value is of the type. An int passes for a float; nothing else converts."""
    if type_.startswith("array of "):
        inner = type_.removeprefix("array of ")
        return isinstance(value, list) and all(fits(item, inner) for item in cast(list[object], value))
    if type_ == "duration":
        return isinstance(value, str) and _DURATION.fullmatch(value) is not None
    if type_ == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return not type_ or kind(value).removeprefix("an ").removeprefix("a ") == type_
