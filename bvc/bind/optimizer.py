"""`[optimizer]`: the transform, its schedule, its rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bvc.bind.component import bind_component
from bvc.bind.found import INVALID, Invalid
from bvc.bind.pattern import valid_pattern
from bvc.bind.tables import OptimizerTable, RuleTable, ScheduledTable, ScheduleTable
from bvc.bind.value import Reader
from bvc.bind.wording import found_in_words
from bvc.component.declare import fields_of
from bvc.diagnostics.catalog import names, quantities
from bvc.ir import Optimizer, Rule, ScheduleNode
from bvc.spec.tree import Array, Table
from bvc.spec.tree import Node as TreeNode


def bind_optimizer(reader: Reader, node: TreeNode) -> Optimizer | Invalid:
    """The optimizer's table."""
    bound = bind_component(reader, "optimizer", node, "optimizer", generic=fields_of(OptimizerTable))
    table = node if isinstance(node, Table) else Table({}, node.origin)
    schedule_node, rules_node = table.get("schedule"), table.get("rules")
    schedule = None if schedule_node is None else bind_schedule(reader, schedule_node, "optimizer.schedule")
    bound_rules = () if rules_node is None else _rules(reader, rules_node)
    if isinstance(bound, Invalid) or isinstance(schedule, Invalid) or isinstance(bound_rules, Invalid):
        return INVALID
    transform, generic = bound
    values = generic.values
    return Optimizer(
        transform,
        values["lr"],
        values.get("weight_decay", 0.0),
        values.get("clip_norm"),
        schedule,
        bound_rules,
        node.origin,
    )


def bind_schedule(reader: Reader, node: TreeNode, owner: str) -> ScheduleNode | Invalid:
    """A schedule's table."""
    bound = bind_component(reader, "schedule", node, owner, generic=fields_of(ScheduleTable))
    if isinstance(bound, Invalid):
        return INVALID
    schedule, generic = bound
    return ScheduleNode(schedule, generic.values.get("warmup"), generic.values.get("cooldown"), node.origin)


def bind_scheduled(reader: Reader, node: TreeNode, owner: str, low: float) -> ScheduleNode | Invalid:
    """A schedule's table with the value of its peak, which is at least `low`."""
    bound = bind_component(reader, "schedule", node, owner, generic=fields_of(ScheduledTable))
    if isinstance(bound, Invalid):
        return INVALID
    schedule, generic = bound
    values, peak = generic.values, generic.values["peak"]
    if peak < low:
        return reader.found.add(quantities.too_small("peak", peak, low, generic.origins["peak"]))
    return ScheduleNode(schedule, values.get("warmup"), values.get("cooldown"), node.origin, peak)


def _rules(reader: Reader, node: TreeNode) -> tuple[Rule, ...] | Invalid:
    owner = "optimizer.rules"
    items = tables_of(reader, node, owner)
    bound = [_rule(reader, item, owner) for item in items]
    found = [rule for rule in bound if isinstance(rule, Rule)]
    return tuple(found) if len(found) == len(bound) else INVALID


def _rule(reader: Reader, table: Table, owner: str) -> Rule | Invalid:
    settings = reader.table(table, fields_of(RuleTable), owner)
    schedule_node = table.get("schedule")
    schedule = None if schedule_node is None else bind_schedule(reader, schedule_node, f"{owner}.schedule")
    if settings is None or isinstance(schedule, Invalid):
        return INVALID
    values = settings.values
    origin = settings.origins["match"]
    if not valid_pattern(reader.found, values["match"], origin):
        return INVALID
    return Rule(
        values["match"],
        values.get("freeze"),
        values.get("lr_mult"),
        values.get("decay_mult"),
        schedule,
        origin,
    )


def tables_of(reader: Reader, node: TreeNode, owner: str) -> Sequence[Table]:
    """The tables of an array; anything else in it is an error."""
    items: Sequence[Any] = node.items if isinstance(node, Array) else (node,)
    tables: list[Table] = []
    for item in items:
        if isinstance(node, Array) and isinstance(item, Table):
            tables.append(item)
            continue
        reader.found.add(
            names.wrong_type(
                "an array of tables",
                found_in_words(item),
                item.origin,
                owner=owner,
                declared="array of tables",
            )
        )
    return tables
