"""JSON Schema of specs, from the signatures of all components: what editors complete and underline by.

Kept to what draft-07 validators know. Any value may be a reference, so every type also admits a text with
`${`; the language's own keys (`use`, `with`, `for`) are admitted wherever they may stand. What stands in several
places is a definition: data, a schedule, the settings of each component, and a model, which may hold models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bvc.bind.component import GENERIC
from bvc.bind.data_tables import DataTable, DataTables, MixTable, TrainTable
from bvc.bind.part_tables import (
    DrawTable,
    EmaTable,
    FrozenTable,
    PerturbationTable,
    PrecisionTable,
    SumTable,
    TermTable,
)
from bvc.bind.setting_schema import (
    LANGUAGE,
    REFERENCE,
    Schema,
    described,
    fields,
    named,
    of_setting,
    plain_definitions,
    ref,
    table,
)
from bvc.bind.tables import (
    EvalTable,
    LayoutTable,
    MeshTable,
    OptimizerTable,
    RootTable,
    RuleTable,
    RunTable,
    ScheduledTable,
    ScheduleTable,
)
from bvc.component import registry
from bvc.component.annotation import Kind
from bvc.component.declare import Setting, fields_of
from bvc.component.optax_transforms import PREFIX

_ROOT_LANGUAGE = ("doc", "params", "let", "when", "unset", "import", "use")
_KINDS: tuple[Kind, ...] = ("model", "objective", "optimizer", "schedule", "evaluator", "source", "codec")
"""The kinds of components that stand in tables."""


def schema() -> Schema:
    """The schema of a whole spec."""
    parts: dict[str, Schema] = {
        "data": table({"train": described(_train(), fields_of(DataTables)["train"])}),
        "model": _component("model", GENERIC["model"]),
        "objective": _objective(),
        "frozen": named(_component("model", {**fields_of(FrozenTable), **GENERIC["model"]})),
        "optimizer": _optimizer(),
        "run": fields(fields_of(RunTable), required=False),
        "perturbation": _scheduled(PerturbationTable),
        "ema": _scheduled(EmaTable),
        "precision": fields(fields_of(PrecisionTable)),
        "draws": named(fields(fields_of(DrawTable))),
        "evals": named(_component("evaluator", {**fields_of(EvalTable), **GENERIC["evaluator"]})),
        "mesh": fields(fields_of(MeshTable), required=False),
        "layout": {"type": "array", "items": fields(fields_of(LayoutTable))},
    }
    properties = {name: described(parts[name], setting) for name, setting in fields_of(RootTable).items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "bvc spec",
        "type": "object",
        "properties": {**dict.fromkeys(_ROOT_LANGUAGE, True), **properties},
        "additionalProperties": False,
        "definitions": _definitions(),
    }


def _definitions() -> dict[str, Schema]:
    inner = {name: setting for name, setting in GENERIC["model"].items() if name != "feeds"}
    found = plain_definitions() | {
        "data": _data({}),
        "source": _component("source"),
        "codec": _component("codec"),
        "model": _component("model", inner),
        "schedule": _component("schedule", fields_of(ScheduleTable)),
        "scheduled": _component("schedule", fields_of(ScheduledTable)),
    }
    for kind in _KINDS:
        for name in registry.names(kind):
            component = registry.find(kind, name)
            if component is not None:
                own = {key: of_setting(setting) for key, setting in component.settings.items()}
                summary: Schema = {"const": name, "description": component.summary}
                found[f"{kind}.{name}"] = {"properties": {"type": summary, **own}}
    return found


def _train() -> Schema:
    """`[data.train]`: what to read, or a mix of it."""
    train = fields_of(TrainTable)
    return _data(train, {"mix": described(named(_data(fields_of(MixTable))), train["mix"])})


def _data(besides: Mapping[str, Setting], parts: Mapping[str, Schema] | None = None) -> Schema:
    """What to read, with settings `besides`; `parts` stand for those that are tables."""
    settings = fields_of(DataTable)
    found = fields({**besides, **settings}, required=False)
    found["properties"] |= {"source": described(ref("source"), settings["source"]), **(parts or {})}
    return found


def _objective() -> Schema:
    found = _component("objective", GENERIC["objective"])
    term = _component("objective", {**fields_of(TermTable), **GENERIC["objective"]})
    found["properties"]["terms"] = described(named(term), fields_of(SumTable)["terms"])
    return found


def _scheduled(kind: type[Any]) -> Schema:
    """A table that may have a schedule."""
    settings = fields_of(kind)
    found = fields(settings)
    found["properties"]["schedule"] = described(ref("schedule"), settings["schedule"])
    return found


def _optimizer() -> Schema:
    generic = fields_of(OptimizerTable)
    found = _component("optimizer", generic)
    rules = {"type": "array", "items": _scheduled(RuleTable)}
    found["properties"] |= {
        "schedule": described(ref("schedule"), generic["schedule"]),
        "rules": described(rules, generic["rules"]),
    }
    return found


def _component(kind: Kind, generic: Mapping[str, Setting] | None = None) -> Schema:
    """A table whose `type` decides its other keys; `generic` are those that it has besides the component's own."""
    generic = generic or {}
    names = registry.names(kind)
    branches: list[Schema] = []
    for name in names:
        component = registry.find(kind, name)
        if component is None:
            continue
        # the definition cannot say that there are no other keys: which there are depends on the place
        keys = dict.fromkeys(["type", *generic, *component.settings], True)
        then = {"allOf": [ref(f"{kind}.{name}")], **table(keys)}
        branches.append({"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": then})
    options: list[Schema] = [{"enum": names}, REFERENCE]
    if kind == "optimizer":  # optax's transforms, too: it is not imported for a schema
        options.append({"pattern": rf"^{re.escape(PREFIX)}"})
    known: Schema = {"type": "string", "description": f"which {kind}", "anyOf": options}
    common = {name: of_setting(setting) for name, setting in generic.items()}
    return {"type": "object", "properties": {**LANGUAGE, "type": known, **common}, "allOf": branches}
