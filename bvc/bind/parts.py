"""Tables of the parts of a step, each absent unless the spec names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import cast

from bvc.bind.component import bind_component, bind_model
from bvc.bind.found import INVALID, Invalid
from bvc.bind.named import bind_named
from bvc.bind.optimizer import bind_schedule
from bvc.bind.part_tables import (
    DrawTable,
    EmaTable,
    FrozenTable,
    PerturbationTable,
    PrecisionTable,
    SumTable,
    TermTable,
)
from bvc.bind.value import Reader, Settings
from bvc.component.declare import fields_of
from bvc.diagnostics import Label, Origin
from bvc.diagnostics.catalog import names, shapes
from bvc.ir import (
    DrawNode,
    EmaNode,
    FrozenNode,
    ModelNode,
    Node,
    PerturbationNode,
    Precision,
    ScheduleNode,
    TermNode,
)
from bvc.spec.tree import Node as TreeNode
from bvc.spec.tree import Table


def bind_objective(reader: Reader, node: TreeNode) -> tuple[TermNode, ...] | Invalid:
    """`[objective]`: one of them, or the terms of a weighted sum."""
    if not isinstance(node, Table) or "terms" not in node.items:
        bound = bind_component(reader, "objective", node, "objective")
        return INVALID if isinstance(bound, Invalid) else (_term(bound[0], "", 1.0),)
    if "type" in node.items:
        first = Label(node.keys.get("type", node.origin).mend, "one objective")
        place = node.keys.get("terms", node.items["terms"].origin)
        return reader.found.add(names.excluded("type", "terms", "objective", place, first))
    if reader.table(node, fields_of(SumTable), "objective") is None:
        return INVALID
    terms = reader.expect_table(node.items["terms"], "objective.terms")
    if isinstance(terms, Invalid):
        return INVALID
    if not terms.items:
        what = "a table for each term of the sum"
        return reader.found.add(names.missing_key("NAME", "objective.terms", terms.origin, what))
    found = bind_named(reader, terms, "objective.terms", lambda name, table, _: _summand(reader, name, table))
    return tuple(found.values()) if len(found) == len(terms.items) else INVALID


def _summand(reader: Reader, name: str, table: TreeNode) -> TermNode | Invalid:
    owner = f"objective.terms.{name}"
    bound = bind_component(reader, "objective", table, owner, generic=fields_of(TermTable))
    return (
        INVALID if isinstance(bound, Invalid) else _term(bound[0], name, bound[1].values.get("weight", 1.0))
    )


def bind_frozen(reader: Reader, node: TreeNode | None) -> Mapping[str, FrozenNode]:
    """`[frozen]`: those of its tables that have no errors."""

    def item(name: str, table: TreeNode, place: Origin) -> FrozenNode | Invalid:
        model = bind_model(reader, table, f"frozen.{name}", FrozenNode, fields_of(FrozenTable))
        if not isinstance(model, Invalid) and not _starts_from_file(model):
            reader.found.add(names.frozen_untrained(name, place))
        return model

    return bind_named(reader, node, "frozen", item)


def _starts_from_file(model: ModelNode) -> bool:
    inside = [value for value in model.settings.values() if isinstance(value, ModelNode)]
    return model.init is not None or any(_starts_from_file(child) for child in inside)


def bind_perturbation(reader: Reader, node: TreeNode, lr: float) -> PerturbationNode | Invalid:
    """`[perturbation]`; `lr` is the optimizer's learning rate."""
    read = _with_schedule(reader, node, "perturbation", PerturbationTable)
    if isinstance(read, Invalid):
        return INVALID
    settings, schedule = read
    values, origins = settings.values, settings.origins
    rho = values["rho"]
    pair = isinstance(rho, tuple)
    if pair and schedule is not None:
        reason = "has no meaning beside two numbers of `rho`, which follow the learning rate"
        return _refused(reader, "perturbation", "schedule", reason, origins, "give `rho` one number")
    if not pair and "lr" in values:
        help = f"write `rho = [0.0, {rho:g}]`"
        return _refused(reader, "perturbation", "lr", "needs two numbers of `rho`", origins, help)
    return PerturbationNode(
        cast("tuple[float, float]", rho) if pair else (rho, rho),
        values.get("lr", (0.0, lr)) if pair else None,
        values.get("alpha", 0.0),
        values.get("adaptive", False),
        values.get("minimize", "perturbed"),
        schedule,
        node.origin,
    )


def bind_draws(reader: Reader, node: TreeNode | None) -> Mapping[str, DrawNode]:
    """`[draws]`: those of its tables that have no errors."""

    def item(name: str, node: TreeNode, place: Origin) -> DrawNode | Invalid:
        owner = f"draws.{name}"
        table = reader.expect_table(node, owner)
        settings = None if isinstance(table, Invalid) else reader.table(table, fields_of(DrawTable), owner)
        if settings is None:
            return INVALID
        values, weights = settings.values["values"], settings.values.get("weights")
        if not values:
            return _refused(reader, owner, "values", "is empty", settings.origins, "write values")
        if weights is not None and (len(weights) != len(values) or not sum(weights)):
            reason = f"needs {len(values)} numbers, one for each value, and not all of them 0"
            help = "write as many weights as values"
            return _refused(reader, owner, "weights", reason, settings.origins, help)
        return DrawNode(values, weights, settings.values.get("static", False), place)

    return bind_named(reader, node, "draws", item)


def bind_precision(reader: Reader, node: TreeNode | None) -> Precision | Invalid:
    """`[precision]`."""
    table = None if node is None else reader.expect_table(node, "precision")
    if table is None:
        return Precision()
    settings = (
        None if isinstance(table, Invalid) else reader.table(table, fields_of(PrecisionTable), "precision")
    )
    return INVALID if settings is None else Precision(**settings.values)


def bind_ema(reader: Reader, node: TreeNode) -> EmaNode | Invalid:
    """`[ema]`."""
    read = _with_schedule(reader, node, "ema", EmaTable)
    if isinstance(read, Invalid):
        return INVALID
    settings, schedule = read
    return EmaNode(settings.values["decay"], schedule, node.origin)


def _with_schedule(
    reader: Reader, node: TreeNode, owner: str, kind: type
) -> tuple[Settings, ScheduleNode | None] | Invalid:
    """The settings of a table that may hold a schedule, and the schedule."""
    table = reader.expect_table(node, owner)
    if isinstance(table, Invalid):
        return INVALID
    settings = reader.table(table, fields_of(kind), owner)
    written = table.get("schedule")
    schedule = None if written is None else bind_schedule(reader, written, f"{owner}.schedule")
    return INVALID if settings is None or isinstance(schedule, Invalid) else (settings, schedule)


def _refused(
    reader: Reader, owner: str, key: str, reason: str, origins: Mapping[str, Origin], help: str
) -> Invalid:
    return reader.found.add(shapes.refused_setting(owner, key, reason, origins[key], help))


def _term(node: Node, term: str, weight: float | ScheduleNode) -> TermNode:
    return TermNode(
        **{each.name: getattr(node, each.name) for each in fields(node)}, term=term, weight=weight
    )
