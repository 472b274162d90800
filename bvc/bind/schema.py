"""JSON Schema of specs, from the signatures of all components: what editors complete and underline by.

Kept to what draft-07 validators know. Any value may be a reference, so every type also admits a text with
`${`; the language's own keys (`use`, `with`, `for`, ...) are admitted wherever they may stand.
"""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from bvc.bind.component import GENERIC
from bvc.bind.data_tables import DataTable, MixTable, TrainTable
from bvc.bind.part_tables import (
    DrawTable,
    EmaTable,
    FrozenTable,
    PerturbationTable,
    PrecisionTable,
    TermTable,
)
from bvc.bind.tables import (
    EvalTable,
    LayoutTable,
    MeshTable,
    OptimizerTable,
    RootTable,
    RuleTable,
    RunTable,
    ScheduleTable,
)
from bvc.component import registry
from bvc.component.annotation import (
    AtLeast,
    Calls,
    Child,
    FileRole,
    Kind,
    Split,
    Unit,
    Varying,
    ViewRole,
    Within,
)
from bvc.component.declare import REQUIRED, Setting, fields_of
from bvc.component.optax_transforms import PREFIX

Schema = dict[str, Any]

_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{"}
_ANYTHING: Schema = {}
_LANGUAGE = ("use", "with", "for")
_ROOT_LANGUAGE = ("doc", "params", "let", "when", "unset", "import", "use")


def schema() -> Schema:
    """The schema of a whole spec."""
    root = fields_of(RootTable)
    parts: dict[str, Schema] = {
        "data": _table({"train": _train()}),
        "model": _component("model"),
        "objective": _objective(),
        "frozen": _named(_component("model", fields_of(FrozenTable))),
        "optimizer": _optimizer(),
        "run": _fields(fields_of(RunTable), required=False),
        "perturbation": _scheduled(PerturbationTable),
        "ema": _scheduled(EmaTable),
        "precision": _fields(fields_of(PrecisionTable)),
        "draws": _named(_fields(fields_of(DrawTable))),
        "evals": _named(_component("evaluator", fields_of(EvalTable))),
        "mesh": _fields(fields_of(MeshTable), required=False),
        "layout": {"type": "array", "items": _fields(fields_of(LayoutTable))},
    }
    properties = {name: {**parts[name], "description": setting.doc} for name, setting in root.items()}
    language = dict.fromkeys(_ROOT_LANGUAGE, _ANYTHING)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "bvc spec",
        "type": "object",
        "properties": {**language, **properties},
        "additionalProperties": False,
    }


def _train() -> Schema:
    data = fields_of(DataTable)
    train = _fields({**fields_of(TrainTable), **data}, required=False)
    mix = train["properties"]["mix"]
    sources = _fields({**fields_of(MixTable), **data}, required=False)
    train["properties"]["mix"] = {
        "type": "object",
        "properties": dict.fromkeys(_LANGUAGE, _ANYTHING),
        "additionalProperties": sources,
        "description": mix["description"],
    }
    return train


def _named(table: Schema) -> Schema:
    """Tables of any name."""
    return {
        "type": "object",
        "properties": dict.fromkeys(_LANGUAGE, _ANYTHING),
        "additionalProperties": table,
    }


def _objective() -> Schema:
    table = _component("objective")
    table["properties"]["terms"] = _named(_component("objective", fields_of(TermTable)))
    return table


def _scheduled(kind: type[Any]) -> Schema:
    """A table that may have a schedule."""
    table = _fields(fields_of(kind))
    table["properties"]["schedule"] = _component("schedule", fields_of(ScheduleTable))
    return table


def _optimizer() -> Schema:
    generic = fields_of(OptimizerTable)
    table = _component("optimizer", generic)
    schedule = _component("schedule", fields_of(ScheduleTable))
    rule = _fields(fields_of(RuleTable))
    rule["properties"]["schedule"] = schedule
    for branch in table["allOf"]:
        branch["then"]["properties"] |= {"schedule": schedule, "rules": {"type": "array", "items": rule}}
    return table


def _component(kind: Kind, generic: Mapping[str, Setting] | None = None) -> Schema:
    """A table whose `type` decides its other keys."""
    names = registry.names(kind)
    branches: list[Schema] = []
    for name in names:
        component = registry.find(kind, name)
        if component is None:
            continue
        own = _fields({**component.settings, **(generic or {}), **GENERIC.get(kind, {})}, required=False)
        own["properties"]["type"] = {"const": name, "description": component.summary}
        branches.append({"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": own})
    options: list[Schema] = [{"enum": names}, _REFERENCE]
    if kind == "optimizer":  # optax's transforms, too: it is not imported for a schema
        options.append({"pattern": rf"^{re.escape(PREFIX)}"})
    known: Schema = {"type": "string", "description": f"which {kind}", "anyOf": options}
    return {"type": "object", "properties": {"type": known}, "allOf": branches}


def _fields(settings: Mapping[str, Setting], *, required: bool = True) -> Schema:
    properties = {name: _setting(setting) for name, setting in settings.items()}
    needed = [name for name, setting in settings.items() if setting.default is REQUIRED]
    table = _table(properties)
    return {**table, "required": needed} if required and needed else table


def _table(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": {**dict.fromkeys(_LANGUAGE, _ANYTHING), **properties},
        "additionalProperties": False,
    }


def _setting(setting: Setting) -> Schema:
    found: Schema = {"anyOf": [_type(setting.annotation), _REFERENCE]}
    if setting.doc:
        found["description"] = setting.doc
    if isinstance(setting.default, str | int | float | bool):
        found["default"] = setting.default
    return found


def _type(annotation: Any) -> Schema:
    for role in getattr(annotation, "__metadata__", ()):
        if isinstance(role, AtLeast):
            return {**_type(annotation.__origin__), "minimum": role.value}
        if isinstance(role, Within):
            return {**_type(annotation.__origin__), "minimum": role.low, "maximum": role.high}
        return _role(role)
    scalars: dict[Any, Schema] = {
        int: {"type": "integer"},
        float: {"type": "number"},
        bool: {"type": "boolean"},
        str: {"type": "string"},
        Any: {},
    }
    if annotation in scalars:
        return dict(scalars[annotation])
    if dataclasses.is_dataclass(annotation):
        return _fields(fields_of(typing.cast("type[Any]", annotation)))
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_type(arg) for arg in args if arg is not type(None)]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(args[1])}
    if origin in (list, tuple):
        fixed = origin is tuple and not (len(args) == 2 and args[1] is Ellipsis)
        bounds = {"minItems": len(args), "maxItems": len(args)} if fixed else {}
        return {"type": "array", "items": {"anyOf": [_type(args[0]), _REFERENCE]}, **bounds}
    return {}


def _role(role: Any) -> Schema:
    if isinstance(role, Unit):
        pattern = (
            r"^\s*[0-9].*(steps?|epochs?|examples?|%)\s*$" if role.name == "steps" else r"^\s*[0-9].*B\s*$"
        )
        return {"type": "string", "pattern": pattern}
    if isinstance(role, Calls):
        return {"type": "array", "items": {"type": "string"}}
    if isinstance(role, Split):
        return _fields(fields_of(DataTable), required=False)
    if isinstance(role, Child):
        # children are described no deeper than their type: a schema must be finite
        names = registry.names(role.kind)
        known: Schema = {"type": "string", "anyOf": [{"enum": names}, _REFERENCE]}
        return {"type": "object", "properties": {"type": known}}
    if isinstance(role, FileRole):
        return {"type": "string"}
    if isinstance(role, Varying):
        known = {"type": "string", "anyOf": [{"enum": registry.names("schedule")}, _REFERENCE]}
        table = {"type": "object", "properties": {"type": known}}
        low = {"minimum": role.low} if math.isfinite(role.low) else {}
        return {"anyOf": [{"type": "number", **low}, table]}
    if isinstance(role, ViewRole):
        one: Schema = {"anyOf": [{"type": "string"}, {"type": "object"}]}
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}
    return {}
