"""Views: `view = "logits"`, with settings of the method that it names `view = { name = "...", ... }`, or an array of
views, each of which may read what those before it gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bvc.bind.found import INVALID, Invalid
from bvc.bind.value import Reader, Site
from bvc.bind.wording import found_in_words
from bvc.component.declare import REQUIRED, Method, Setting
from bvc.diagnostics.catalog import names
from bvc.ir import ModelNode, ViewNode
from bvc.spec.tree import Array, Leaf, Node, Table, plain

FROZEN = "frozen."
"""How the name of a view of a frozen module begins: `frozen.prof.logits`."""


@dataclass(frozen=True, slots=True)
class Viewed:
    """The models whose views an evaluation may name."""

    model: ModelNode
    frozen: Mapping[str, ModelNode]


def bind_views(
    reader: Reader, node: Node, site: Site, models: Viewed | None
) -> ViewNode | tuple[ViewNode, ...] | Invalid:
    """A view of one of `models`, or several that are called one after another.

    `models` is None where the model has errors of its own; then settings are not judged.
    """
    if not isinstance(node, Array) or not node.items:
        return _bind_view(reader, node, site, models)
    found = [_bind_view(reader, item, site, models) for item in node.items]
    views = tuple(each for each in found if isinstance(each, ViewNode))
    return views if len(views) == len(found) else INVALID


def _bind_view(reader: Reader, node: Node, site: Site, models: Viewed | None) -> ViewNode | Invalid:
    table = Table({"name": node}, node.origin) if isinstance(node, Leaf) else node
    name = table.get("name") if isinstance(table, Table) else None
    if not isinstance(table, Table) or not isinstance(name, Leaf) or not isinstance(name.value, str):
        return reader.found.add(
            names.wrong_type(
                "the name of a view",
                found_in_words(node),
                node.origin,
                owner=site.owner,
                declared=site.declared,
            )
        )
    method = None if models is None else view_method(models, name.value)
    if method is None:  # an unknown view is told with those that there are, when the model is built
        values = {key: plain(item) for key, item in table.items.items() if key != "name"}
        return ViewNode(name.value, values, name.origin)
    settings = reader.table(table, {**method.settings, "name": _NAME}, f"view {name.value}")
    if settings is None:
        return INVALID
    values = {key: value for key, value in settings.values.items() if key != "name"}
    return ViewNode(name.value, values, name.origin)


def view_method(models: Viewed, name: str) -> Method | None:
    """The method of the view `logits`, `image.pre_logits` of a child model, `frozen.prof.logits` of a frozen one."""
    *path, last = name.split(".")
    node = models.model
    if name.startswith(FROZEN):
        frozen = models.frozen.get(path[1]) if len(path) > 1 else None
        if frozen is None:
            return None
        node, path = frozen, path[2:]
    for part in path:
        child = node.settings.get(part)
        if not isinstance(child, ModelNode):
            return None
        node = child
    return node.component.views.get(last)


_NAME = Setting("name", str, REQUIRED, "which view")
