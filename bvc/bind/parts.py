"""Tables of the parts of a step, each absent unless the spec names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bvc.bind.component import bind_component, bind_model
from bvc.bind.found import INVALID, Invalid
from bvc.bind.tables import FrozenTable, SumTable, TermTable
from bvc.bind.value import Reader, Site
from bvc.component.declare import fields_of
from bvc.diagnostics import Label
from bvc.diagnostics.catalog import names
from bvc.ir import FrozenNode, Node, TermNode
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
    found: list[TermNode] = []
    for name, table in terms.items.items():
        owner = f"objective.terms.{name}"
        bound = bind_component(reader, "objective", table, owner, generic=fields_of(TermTable))
        if not isinstance(bound, Invalid):
            found.append(_term(bound[0], name, bound[1].values.get("weight", 1.0)))
    return tuple(found) if len(found) == len(terms.items) else INVALID


def bind_frozen(reader: Reader, node: TreeNode | None) -> Mapping[str, FrozenNode]:
    """`[frozen]`: those of its tables that have no errors."""
    tables = INVALID if node is None else reader.expect_table(node, "frozen")
    if isinstance(tables, Invalid):
        return {}
    found: dict[str, FrozenNode] = {}
    for name, table in tables.items.items():
        own = fields_of(FrozenTable)
        model = bind_model(reader, table, f"frozen.{name}", also=tuple(own))
        if isinstance(model, Invalid) or not isinstance(table, Table):
            continue
        values = {
            key: reader.read(table.items[key], Site(f"frozen.{name}", own[key]))
            for key in own
            if key in table.items
        }
        if not any(isinstance(value, Invalid) for value in values.values()):
            found[name] = FrozenNode(**_fields(model), **values)
    return found


def _term(node: Node, term: str, weight: float) -> TermNode:
    return TermNode(**_fields(node), term=term, weight=weight)


def _fields(node: Node) -> dict[str, Any]:
    return {each.name: getattr(node, each.name) for each in fields(node)}
