"""Which array goes to which port.

A port takes what `feeds` names; else the same-named output of the experiment's own model; else the same-named
feature of the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import jax

from bvc.compile.dims import takes
from bvc.component.declare import Method
from bvc.component.port import Port
from bvc.diagnostics import Diagnostic, Label, Place
from bvc.diagnostics.catalog import names, shapes
from bvc.ir import Node

T = TypeVar("T")

ANSWERS = "frozen."
"""How the names of what frozen modules answer begin; they travel with the batch."""

DRAWS = "draws."
"""How the names of draws begin, which travel likewise."""


@dataclass(frozen=True, slots=True)
class Wires:
    """Port -> path (`batch.F`, `model.OUTPUT`, `frozen.NAME.OUTPUT`) for one call; optional ports may be absent."""

    paths: Mapping[str, str]

    def read(self, arrays: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
        """The argument for each port, from arrays by root (`batch`, `model`, `frozen`) and name."""
        found: dict[str, object] = {}
        for port, path in self.paths.items():
            root, name = path.split(".", 1)
            found[port] = arrays[root][name]
        return found


def by_root(batch: Mapping[str, T]) -> dict[str, dict[str, Any]]:
    """The features of a batch, and apart from them what frozen modules answered (`frozen.NAME.OUTPUT`).

    Features `x/a` and `x/b` are also the feature `x`, of arrays by name.
    """
    answers = {name.removeprefix(ANSWERS): value for name, value in batch.items() if name.startswith(ANSWERS)}
    features: dict[str, Any] = {name: value for name, value in batch.items() if not name.startswith(ANSWERS)}
    for name, value in list(features.items()):
        group, slash, rest = name.partition("/")
        if slash and group not in batch:
            features.setdefault(group, {})[rest] = value
    drawn = {name.removeprefix(DRAWS): features.pop(name) for name in batch if name.startswith(DRAWS)}
    found = {"batch": features, "frozen": answers, "draws": drawn}
    return {root: arrays for root, arrays in found.items() if arrays or root == "batch"}


def features_read(paths: Iterable[str], features: Iterable[str]) -> list[str]:
    """Those of the features of a batch that wired paths lead to."""
    read = {path.removeprefix("batch.") for path in paths if path.startswith("batch.")}
    known = list(features)
    groups = read.difference(known)
    return [name for name in known if name in read or name.partition("/")[0] in groups]


def wire(
    node: Node,
    method: Method,
    available: Mapping[str, Mapping[str, jax.ShapeDtypeStruct]],
    *,
    droppers: Mapping[str, Label] | None = None,
    batch_maker: Place | None = None,
) -> tuple[Wires, list[Diagnostic]]:
    """Wire the ports of a method.

    Args:
        node: the component, with its `feeds`.
        method: the method that is called.
        available: root -> name -> abstract array, nearest root first: `{"model": outputs, "batch": features}`.
        droppers: batch feature -> the op that dropped it, to point at when it is missing.
        batch_maker: where the pipeline stands in the spec, to point at when a feature never was.
    """
    known = [f"{root}.{name}" for root, found in available.items() for name in found]
    paths: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for port in method.ports.values():
        fed = node.feeds.get(port.name)
        path = _same_name(port, available) if fed is None else fed
        if path is not None and path in known:
            paths[port.name] = path
        elif fed is not None:
            place = node.feed_origins.get(port.name, node.origin)
            diagnostics.append(names.unknown_path(fed, port.name, place, known))
        elif not port.optional:
            maker = Label(batch_maker, "the batch is made here") if batch_maker else None
            pointed = (droppers or {}).get(port.name, maker)
            fitting = [found for found in _fitting(port, available) if found not in paths.values()]
            diagnostics.append(
                shapes.nothing_wired(node.name, port.name, str(port), node.origin, known, fitting, pointed)
            )
    return Wires(paths), diagnostics


def _same_name(port: Port, available: Mapping[str, Mapping[str, object]]) -> str | None:
    for root, found in available.items():
        if port.name in found:
            return f"{root}.{port.name}"
    return None


def _fitting(port: Port, available: Mapping[str, Mapping[str, jax.ShapeDtypeStruct]]) -> list[str]:
    """Paths of arrays that the port would take."""
    return [
        f"{root}.{name}"
        for root, found in available.items()
        for name, array in found.items()
        if takes(port, array)
    ]
