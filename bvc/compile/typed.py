"""Abstract evaluation of one component: its ports are matched first, then it alone is traced.

So the node at which shapes stop fitting is known, and is told in the spec's terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax

from bvc.compile.blame import blamed
from bvc.compile.construct import refused
from bvc.compile.dims import Dims, arrives, takes
from bvc.compile.wiring import Wires
from bvc.component.declare import Method
from bvc.component.error import PortError, SettingError
from bvc.diagnostics import Diagnostic, Failed, Label, Place
from bvc.diagnostics.catalog import shapes
from bvc.ir import Node

Arrays = Mapping[str, Mapping[str, jax.ShapeDtypeStruct]]
"""root (`batch`, `model`, `view`) -> name -> abstract array."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What came of a call: its abstract result, or why there is none."""

    result: Any = None
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])


def trace(
    node: Node,
    method: Method,
    wires: Wires,
    arrays: Arrays,
    run: Callable[..., Any],
    *extra: Any,
    makers: Mapping[str, Place] | None = None,
) -> Traced:
    """Match the ports of a call, then evaluate it abstractly.

    Args:
        node: the component.
        method: the method that is called.
        wires: its wiring.
        arrays: the abstract arrays that the wires lead to.
        run: calls the method, given an array for each port, and `extra`.
        extra: further abstract arguments, such as the model's parameters.
        makers: path -> place in the spec where that array is made, to point at.
    """
    diagnostics = _match(node, method, wires, arrays, makers or {})
    if diagnostics:
        return Traced(None, diagnostics)
    try:
        with blamed(node):
            return Traced(eqx.filter_eval_shape(run, wires.read(arrays), *extra))
    except PortError as error:
        maker = _maker(wires.paths.get(error.name, ""), makers or {})
        refusal = (node.name, error.name, error.reason, node.origin, error.help, maker)
        return Traced(None, [shapes.refused_port(*refusal)])
    except SettingError as error:
        return Traced(None, [refused(node, error)])
    except Failed as failure:
        return Traced(None, list(failure.diagnostics))


def _match(
    node: Node, method: Method, wires: Wires, arrays: Arrays, makers: Mapping[str, Place]
) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    dims = Dims()
    for name, path in wires.paths.items():
        port = method.ports[name]
        root, leaf = path.split(".", 1)
        found = arrives(arrays[root][leaf])
        if not takes(port, arrays[root][leaf]):
            maker = _maker(path, makers)
            feature = ", ".join(f"{key}: {each}" if key else str(each) for key, each in found.items())
            diagnostics.append(
                shapes.shape_mismatch(node.name, name, str(port), path, feature, node.origin, maker)
            )
            continue
        clashes = (dims.clash(port, f"{path}/{key}" if key else path, each) for key, each in found.items())
        clash = next((each for each in clashes if each is not None), None)
        if clash is not None:
            paths = (clash[1][0], clash[2][0])
            both = [maker for path in paths if (maker := _maker(path, makers)) is not None]
            diagnostics.append(shapes.dims_differ(*clash, node.name, node.origin, both))
    return diagnostics


def _maker(path: str, makers: Mapping[str, Place]) -> Label | None:
    return Label(makers[path], f"`{path}` is made here") if path in makers else None
