"""`--set`: leaves given from outside, laid over everything that the file says."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics import Diagnostic, Failed, Place
from bvc.diagnostics.catalog import fragments
from bvc.spec.commandline import Setting
from bvc.spec.document import META
from bvc.spec.layers import Branch, Layer, Row, branch, over
from bvc.spec.report import Report
from bvc.spec.scope import Home, Scope
from bvc.spec.tree import Array, Leaf, Node, Table
from bvc.spec.written import WrittenTable, kind


def lay_settings(home: Home, settings: Sequence[Setting], report: Report) -> None:
    """Lays the settings without item numbers over the tree of the spec's own file (phase 4)."""
    for setting in settings:
        wrong = _not_a_leaf(home, setting)
        if wrong is None and not _indexed(setting):
            wrong = _through_scalar(home.tree, setting)
            if wrong is None:
                home.tree.become(over(home.tree, _layer(home, setting)))
        if wrong is not None:
            report.tell(wrong)


def indexed(settings: Sequence[Setting]) -> list[Setting]:
    """The settings that name items of arrays: they wait for the resolved tree."""
    return [setting for setting in settings if _indexed(setting)]


def replaced(tree: Table, setting: Setting, value: Node) -> Table:
    """The resolved tree with the item that `setting` names replaced. Raises `Failed` (B0218)."""
    found = _Replacing(setting, value).table(tree, 0)
    assert isinstance(found, Table)
    return found


def _indexed(setting: Setting) -> bool:
    return any(segment.indices for segment in setting.segments)


def _not_a_leaf(home: Home, setting: Setting) -> Diagnostic | None:
    first = setting.segments[0]
    if first.key in (*META, "use", "with", "for"):
        return fragments.setting_not_a_leaf(setting.place(first), first.key)
    if len(setting.segments) == 1 and first.key in home.params and first.key not in home.tree.items:
        return fragments.setting_is_param(setting.place(first), first.key, home.file)
    return None


def _through_scalar(tree: Branch, setting: Setting) -> Diagnostic | None:
    table: Layer = tree
    for number, segment in enumerate(setting.segments[:-1]):
        below = table.items.get(segment.key)
        if below is None:
            return None
        if not isinstance(below, Branch):
            path = ".".join(part.key for part in setting.segments[: number + 1])
            what = "an array" if isinstance(below, Row) else kind(below.written)
            return fragments.setting_through_scalar(
                setting.place(segment), setting.path, path, what, below.place
            )
        table = below
    return None


def _layer(home: Home, setting: Setting) -> Branch:
    value = setting.value
    for segment in reversed(setting.segments):
        place = setting.place(segment)
        value = WrittenTable({segment.key: value}, place, {segment.key: place})
    assert isinstance(value, WrittenTable)
    return branch(value, Scope(home))


class _Replacing:
    """Walks down the path of a setting and rebuilds what it passes."""

    def __init__(self, setting: Setting, value: Node) -> None:
        self.setting = setting
        self.value = value

    def table(self, node: Node, depth: int) -> Node:
        if depth == len(self.setting.segments):
            return self.value
        segment = self.setting.segments[depth]
        place = self.setting.place(segment)
        if not isinstance(node, Table):
            what = kind([]) if isinstance(node, Array) else kind(node.value)
            path = ".".join(part.key for part in self.setting.segments[:depth])
            where = node.origin.places[-1]
            raise Failed(fragments.setting_through_scalar(place, self.setting.path, path, what, where))
        below = node.items.get(segment.key)
        if below is None:
            raise Failed(fragments.setting_not_there(place, self.setting.path, segment.key, list(node.items)))
        return Table(
            {**node.items, segment.key: self.item(below, segment.indices, depth, place)},
            node.origin,
            node.keys,
        )

    def item(self, node: Node, indices: Sequence[int], depth: int, place: Place) -> Node:
        if not indices:
            return self.table(node, depth + 1)
        if not isinstance(node, Array):
            what = kind(node.value) if isinstance(node, Leaf) else "a table"
            raise Failed(fragments.setting_not_array(place, self.setting.path, what))
        index = indices[0]
        if index >= len(node.items):
            raise Failed(fragments.setting_no_item(place, self.setting.path, len(node.items)))
        items = list(node.items)
        items[index] = self.item(items[index], indices[1:], depth, place)
        return Array(tuple(items), node.origin, node.replaced)
