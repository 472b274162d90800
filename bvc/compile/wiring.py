"""Which array goes to which port.

A port takes what `feeds` names; else the same-named output of the experiment's own model; else the same-named
feature of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvc.component.declare import Method
from bvc.component.port import Port
from bvc.diagnostics import Diagnostic, Place
from bvc.diagnostics.catalog import names, shapes
from bvc.ir import Node


@dataclass(frozen=True, slots=True)
class Wires:
    """Port -> path (`batch.F` or `model.OUTPUT`) for one call; optional ports without an array are absent."""

    paths: Mapping[str, str]

    def read(self, arrays: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
        """The argument for each port, from arrays by root (`batch`, `model`) and name."""
        found: dict[str, object] = {}
        for port, path in self.paths.items():
            root, name = path.split(".", 1)
            found[port] = arrays[root][name]
        return found


def wire(
    node: Node,
    method: Method,
    available: Mapping[str, Sequence[str]],
    *,
    batch_maker: Place | None = None,
) -> tuple[Wires, list[Diagnostic]]:
    """Wire the ports of a method.

    Args:
        node: the component, with its `feeds`.
        method: the method that is called.
        available: root -> names, nearest first: `{"model": outputs, "batch": features}`.
        batch_maker: where the pipeline stands in the spec, to point at when a feature is missing.
    """
    known = [f"{root}.{name}" for root, found in available.items() for name in found]
    paths: dict[str, str] = {}
    diagnostics: list[Diagnostic] = []
    for port in method.ports.values():
        fed = node.feeds.get(port.name)
        if fed is not None:
            if fed in known:
                paths[port.name] = fed
            else:
                place = node.feed_origins.get(port.name, node.origin)
                diagnostics.append(names.unknown_path(fed, port.name, place, known))
            continue
        path = _same_name(port, available)
        if path is not None:
            paths[port.name] = path
        elif not port.optional:
            diagnostics.append(
                shapes.nothing_wired(node.name, port.name, str(port), node.origin, known, batch_maker)
            )
    return Wires(paths), diagnostics


def _same_name(port: Port, available: Mapping[str, Sequence[str]]) -> str | None:
    for root, found in available.items():
        if port.name in found:
            return f"{root}.{port.name}"
    return None
