"""Arrays of calls: pipelines of ops, each with the features that it reads and writes, batch transforms, and filters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, cast

from bvc.bind.found import INVALID, Found, Invalid
from bvc.bind.value import Reader, Site
from bvc.bind.wording import found_in_words
from bvc.component import registry
from bvc.component.declare import REQUIRED, Component, Setting
from bvc.component.describe import describe
from bvc.diagnostics import Failed, Origin, Place
from bvc.diagnostics.catalog import names
from bvc.diagnostics.suggest import close
from bvc.ir import OpNode
from bvc.spec.calls import parse_call
from bvc.spec.tree import Argument, Array, Call, Leaf, Table
from bvc.spec.tree import Node as TreeNode

VERDICT = "_verdict"
"""What a filter says of an example, before the number of the filter."""

WIRES = ("from", "to", "key")
"""Arguments of every op that reads and writes one feature: which ones."""

CallKind = Literal["op", "transform", "filter"]
_NAMES = {"op": "pipeline", "transform": "transforms", "filter": "filter"}
_EXAMPLES = {
    "op": '`["decode", "resize(224)"]`',
    "transform": '`["mixup(0.2)"]`',
    "filter": '`["one_of([3, 5])"]`',
}


def bind_calls(
    reader: Reader, node: TreeNode, owner: str, kind: CallKind = "op"
) -> tuple[OpNode, ...] | Invalid:
    """The calls of an array, in order: ops of a pipeline, transforms of the batch, or filters of examples."""
    name = _NAMES[kind]
    if not isinstance(node, Array):
        return reader.found.add(
            names.wrong_type(
                f"an array of {kind} calls", found_in_words(node), node.origin, owner=owner,
                declared=f"{name}: array", mend=f"write each {kind} as one string of the array: {_EXAMPLES[kind]}",
            )
        )  # fmt: skip
    ops: list[OpNode] = []
    failed = False
    for position, item in enumerate(node.items):
        op = _item(reader, item, owner, position, kind)
        if isinstance(op, OpNode):
            ops.append(op)
        else:
            failed = True
    return INVALID if failed else tuple(ops)


def _item(reader: Reader, item: TreeNode, owner: str, position: int, kind: CallKind) -> OpNode | Invalid:
    found = reader.found
    if not isinstance(item, Leaf) or not isinstance(item.value, str):
        return found.add(
            names.wrong_type(
                f"{'an' if kind == 'op' else 'a'} {kind} call in quotes", found_in_words(item), item.origin,
                owner=owner, declared=f"array of {kind} calls",
            )
        )  # fmt: skip
    try:
        call = parse_call(item)
    except Failed as failure:
        found.diagnostics += failure.diagnostics
        return INVALID
    component = registry.find(kind, call.name)
    if component is None:
        place = _narrowed(call.origin, call.name_place)
        return found.add(names.unknown_op(call.name, place, registry.names(kind), kind))
    return _bind(reader, call, component, position)


def _bind(reader: Reader, call: Call, component: Component, position: int) -> OpNode | Invalid:
    found = reader.found
    before = len(found.diagnostics)
    given = _arguments(found, call, component)
    settings: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    wires: dict[str, str] = {}
    for name, argument in given.items():
        setting = component.settings.get(name, Setting(name, str))
        value = reader.read(_tree(argument), Site(component.name, setting, component))
        if isinstance(value, Invalid):
            continue
        if name in component.settings:
            settings[name] = value
            origins[name] = argument.origin
        else:
            wires[name] = value
            origins[name] = argument.origin
    meant = {
        each
        for keyword in call.keywords
        if keyword not in given
        for each in close(keyword, component.settings, 1)
    }
    for name, setting in component.settings.items():
        # an argument that was mistyped is not missing as well
        if setting.default is REQUIRED and name not in given and name not in meant:
            what = describe(setting.annotation)
            found.add(names.missing_key(name, component.name, call.origin, what, setting.doc))
    if len(found.diagnostics) > before:
        return INVALID
    reads, writes = _wired(component, wires)
    if component.kind == "filter":  # one verdict each
        writes = {"": f"{VERDICT}{position}"}
    return OpNode(component, settings, call.origin, origins, reads=reads, writes=writes, position=position)


def _arguments(found: Found, call: Call, component: Component) -> dict[str, Argument]:
    positional = [setting for setting in component.settings.values() if setting.positional]
    names_in_order = [setting.name for setting in positional]
    starred = next((setting for setting in positional if setting.starred), None)
    given: dict[str, Argument] = {}
    rest: list[Argument] = []
    for index, argument in enumerate(call.args):
        if index < len(positional) and not positional[index].starred:
            given[positional[index].name] = argument
        elif starred is not None:
            rest.append(argument)
        else:
            found.add(names.surplus_argument(component.name, argument.origin, names_in_order))
            break
    if starred is not None and rest:
        given[starred.name] = Argument([item.value for item in rest], rest[0].origin)
    known = [*component.settings, *_wires(component)]
    for name, argument in call.keywords.items():
        place = call.keyword_places.get(name)
        origin = argument.origin
        if place is not None:
            origin = _narrowed(origin, place)
        if name not in known:
            found.add(names.unknown_argument(component.name, name, origin, known))
        elif name in given:
            found.add(names.repeated_argument(component.name, name, origin))
        else:
            given[name] = argument
    return given


def _narrowed(origin: Origin, place: Place) -> Origin:
    """The origin of a part of the text that `origin` speaks of."""
    standard = place.file.startswith("std:")
    return replace(origin, places=(*origin.places[:-1], place) if standard else (place,))


def _wires(component: Component) -> tuple[str, ...]:
    if component.kind == "transform" or "example" in component.call.given:
        return ()
    if component.kind == "filter":
        return ("from",)
    found = WIRES if component.call.ports else ("to",)
    return tuple(name for name in found if name not in component.settings)


def _wired(component: Component, wires: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Feature read at each port, and written for each output (`key` sets both; `from` and `to` win over it)."""
    ports = list(component.call.ports)
    reads = {port: port for port in ports}
    if ports:
        reads[ports[0]] = wires.get("from", wires.get("key", ports[0]))
    writes = {name: name for name in component.call.outputs}
    if "" in writes:
        default = component.writes or (reads[ports[0]] if ports else "")
        writes[""] = wires.get("to", wires.get("key", default))
    return reads, writes


def _tree(argument: Argument) -> TreeNode:
    """A plain argument as a node of the tree, so that one reader converts both."""

    def wrap(value: Any) -> TreeNode:
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            return Array(tuple(wrap(item) for item in items), argument.origin)
        if isinstance(value, dict):
            table = cast("dict[str, Any]", value)
            return Table({key: wrap(item) for key, item in table.items()}, argument.origin)
        return Leaf(value, argument.origin)

    return wrap(argument.value)
