"""Tables with `type`: which component they name, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from bvc.bind.found import INVALID, Found, Invalid
from bvc.bind.pattern import valid_pattern
from bvc.bind.value import Reader, Settings
from bvc.bind.wording import found_in_words
from bvc.component import registry
from bvc.component.annotation import Kind
from bvc.component.declare import Component, Setting
from bvc.diagnostics import Label, Origin
from bvc.diagnostics.catalog import names
from bvc.diagnostics.suggest import close
from bvc.ir import ModelNode, Node
from bvc.spec.tree import Leaf, Table
from bvc.spec.tree import Node as TreeNode

M = TypeVar("M", bound=ModelNode)


def choose(found: Found, kind: Kind, table: Table, owner: str) -> tuple[Component, Label] | None:
    """The component that `type` names, and the label that points at the choice."""
    node = table.get("type")
    if node is None:
        what = f"which {kind} this is; `bvc list {kind}` prints all"
        mistyped = next((key for key in table.items if close(key, ["type"])), None)
        if mistyped is not None:
            place = table.keys.get(mistyped, table.items[mistyped].origin)
            found.add(names.unknown_key(mistyped, owner, place, ["type"]))
        else:
            found.add(names.missing_key("type", owner, table.origin, what))
        return None
    if not isinstance(node, Leaf) or not isinstance(node.value, str):
        given = found_in_words(node)
        found.add(
            names.wrong_type(
                "a string", given, node.origin, owner=owner, declared="type: string", mend=f"name the {kind}"
            )
        )
        return None
    component = registry.find(kind, node.value)
    if component is None:
        found.add(names.unknown_component(kind, node.value, node.origin, registry.near(kind, node.value)))
        for module, reason in registry.broken().items():
            found.add(names.import_failed(module, reason, None))
        return None
    key = table.keys.get("type", node.origin)
    return component, Label(key.mend, f"`{component.name}` chosen here")


def bind_component(
    reader: Reader,
    kind: Kind,
    node: TreeNode,
    owner: str,
    *,
    generic: Mapping[str, Setting] | None = None,
) -> tuple[Node, Settings] | Invalid:
    """A component node, and the values of the `generic` settings that every component of the kind has.

    Args:
        reader: converts values.
        kind: the kind of component.
        node: the table.
        owner: the table's name in messages.
        generic: settings of the table itself, beside the component's own.
    """
    found = reader.found
    table = reader.expect_table(node, owner, typed=True)
    if isinstance(table, Invalid):
        return INVALID
    chosen = choose(found, kind, table, owner)
    if chosen is None:
        return INVALID
    component, label = chosen
    generic = {**(generic or {}), **(_FEEDS if kind in _WIRED else {})}
    own = {name: setting for name, setting in component.settings.items() if name not in generic}
    settings = reader.table(
        table,
        {**own, **generic},
        owner,
        who=component.name,
        component=component,
        chosen=label,
        also=("type",),
    )
    if settings is None:
        return INVALID
    feeds = settings.values.pop("feeds", {})
    ports = list(component.call.ports)
    for port in feeds:
        by_draw = feeds[port].startswith("draws.") and port in component.call.settings
        if ports and port not in ports and not by_draw:
            found.add(names.unknown_port(component.name, port, _feed_key(table, port), ports))
    values = {name: value for name, value in settings.values.items() if name in own}
    rest = Settings(
        {name: value for name, value in settings.values.items() if name in generic}, settings.origins
    )
    feed_origins = _feed_origins(table)
    origins = {**settings.origins, "type": table.keys.get("type", table.origin)}
    return Node(component, values, table.origin, origins, feeds, feed_origins), rest


def bind_model(
    reader: Reader,
    node: TreeNode,
    owner: str,
    made: type[M] = ModelNode,
    besides: Mapping[str, Setting] | None = None,
) -> M | Invalid:
    """A model table as a `made`; `init` and `init_skip` belong to every model, and settings `besides` to `made`."""
    besides = besides or {}
    bound = bind_component(reader, "model", node, owner, generic={**_MODEL, **besides})
    if isinstance(bound, Invalid):
        return INVALID
    model, generic = bound
    skip, origin = tuple(generic.values.get("init_skip", ())), generic.origins.get("init_skip")
    for pattern in skip:
        if origin is not None and not valid_pattern(reader.found, pattern, origin):
            return INVALID
    return made(
        model.component,
        model.settings,
        model.origin,
        model.origins,
        model.feeds,
        model.feed_origins,
        generic.values.get("init"),
        skip,
        **{name: value for name, value in generic.values.items() if name in besides},
    )


def _feed_key(table: Table, port: str) -> Origin:
    feeds = table.get("feeds")
    return feeds.keys.get(port, feeds.origin) if isinstance(feeds, Table) else table.origin


def _feed_origins(table: Table) -> dict[str, Origin]:
    feeds = table.get("feeds")
    return {port: path.origin for port, path in feeds.items.items()} if isinstance(feeds, Table) else {}


_WIRED: tuple[Kind, ...] = ("model", "objective", "evaluator")
"""Kinds whose ports are wired to named arrays."""

_FEEDS = {
    "feeds": Setting(
        "feeds",
        dict[str, str],
        {},
        "ports wired by hand: port -> path such as `batch.labels`",
        positional=False,
    )
}
_MODEL: dict[str, Any] = {
    "init": Setting("init", str, None, "checkpoint to start from: a file, or a name of `stdlib/checkpoint`"),
    "init_skip": Setting(
        "init_skip",
        tuple[str, ...],
        (),
        "patterns of parameters that keep their initial value",
        positional=False,
    ),
}

GENERIC: dict[Kind, Mapping[str, Setting]] = {
    "model": {**_MODEL, **_FEEDS},
    "objective": _FEEDS,
    "evaluator": _FEEDS,
}
"""Settings that every component of a kind has besides its own."""
