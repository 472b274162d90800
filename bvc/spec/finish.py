"""Every leaf resolved (phase 7): layers to the tree that the other stages read."""

from __future__ import annotations

from bvc.diagnostics import Failed, Origin
from bvc.spec.layers import Branch, Found, Layer, Places, Row, Slot
from bvc.spec.report import Exceeded, Report
from bvc.spec.resolve import Resolver
from bvc.spec.scope import Scope
from bvc.spec.tree import Array, Leaf, Node, Table


class Finisher:
    """Turns layers into nodes; what is wrong goes to the report and is left out of the tree."""

    def __init__(self, resolver: Resolver, report: Report) -> None:
        self.resolver = resolver
        self.report = report

    def table(self, tree: Branch) -> Table:
        """The resolved table."""
        return self._table(tree, tree.scope, tree.trail)

    def layer(self, layer: Layer, scope: Scope) -> Node | None:
        """The resolved node, as it is used in `scope`; None where that failed."""
        try:
            return self._layer(layer, scope, ())
        except Exceeded:
            raise
        except Failed as failed:
            self.report.add(failed.diagnostics)
            return None

    def _layer(self, layer: Layer, scope: Scope, trail: Places) -> Node:
        self.resolver.spend(1, layer.place)
        if isinstance(layer, Slot):
            found = self.resolver.slot(layer)
            return self._found(found, layer.scope if not trail else scope, trail, layer.beneath)
        return self._found(Found(layer, layer.trail), layer.scope if not trail else scope, trail, ())

    def _found(self, found: Found, scope: Scope, trail: Places, beneath: Places) -> Node:
        trail = (*trail, *found.trail)
        node = found.node
        if isinstance(node, Branch):
            return self._table(node, scope, trail)
        if isinstance(node, Row):
            origin = self._origin(scope, (*trail, node.place), node.scope)
            items = [self._item(item, scope, (*trail, *inner)) for item, inner in self.resolver.items(node)]
            return Array(tuple(item for item in items if item is not None), origin, beneath or node.beneath)
        origin = self._origin(scope, (*trail, *node.origin.places), None, node.origin.via)
        return Leaf(node.value, origin, node.parts, beneath)

    def _item(self, layer: Layer, scope: Scope, trail: Places) -> Node | None:
        try:
            return self._layer(layer, scope, trail)
        except Exceeded:
            raise
        except Failed as failed:
            self.report.add(failed.diagnostics)
            return None

    def _table(self, tree: Branch, scope: Scope, trail: Places) -> Table:
        items: dict[str, Node] = {}
        keys: dict[str, Origin] = {}
        rows = self.resolver.rows(tree) if trail else tree.items
        with self.resolver.inside(tree):
            for key, layer in rows.items():
                node = self._item(layer, scope, trail)
                if node is not None:
                    items[key] = node
                    around = layer.scope if not trail else scope
                    keys[key] = self._origin(around, (*trail, tree.keys[key]), layer.scope)
        return Table(items, self._origin(scope, (*trail, tree.place), tree.scope), keys)

    def _origin(self, scope: Scope, places: Places, written: Scope | None, via: Places = ()) -> Origin:
        """The origin of what is used in `scope` and came through `places`."""
        if not via and written is not None:
            via = written.home.via
        used = scope.home.via
        passed = (*used, *(place for place in via if place not in used))
        once = tuple(p for p, before in zip(places, (None, *places), strict=False) if p != before)
        return Origin(once, scope.table, scope.bindings, passed, scope.header)
