"""From a node of the IR to the object that its component makes."""

from __future__ import annotations

import keyword
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Key

from bvc.compile.blame import blamed, returned
from bvc.component.error import SettingError
from bvc.component.execution import Execution, executing
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import shapes
from bvc.ir import Duration, ModelNode, Node, OpNode

Steps = Callable[[Duration], int]
"""Turns a duration into steps."""


def arguments(node: Node, steps: Steps) -> dict[str, Any]:
    """The settings of a node as keyword arguments, durations in steps, children built; child models are left out."""
    found: dict[str, Any] = {}
    for name, value in node.settings.items():
        if isinstance(value, ModelNode):
            continue
        parameter = f"{name}_" if keyword.iskeyword(name) else name
        found[parameter] = _argument(value, steps)
    return found


def _argument(value: Any, steps: Steps) -> Any:
    if isinstance(value, Duration):
        return steps(value)
    if isinstance(value, Node) and not isinstance(value, OpNode):
        return construct(value, steps)
    return tuple(_argument(item, steps) for item in value) if isinstance(value, tuple) else value


def construct(node: Node, steps: Steps, **given: Any) -> Any:
    """Call a component with its settings.

    Raises:
        Failed: the component refuses a setting (the diagnostic points at it), or is a user's and fails.
    """
    settings = arguments(node, steps)
    try:
        with blamed(node):
            return node.component.target(**settings, **given)
    except SettingError as error:
        raise Failed(refused(node, error)) from error


def refused(node: Node, error: SettingError) -> Diagnostic:
    """The diagnostic for a setting that a component refuses."""
    name = error.name.removesuffix("_")
    return shapes.refused_setting(
        node.name, name, error.reason, node.origins.get(name, node.origin), error.help
    )


def build(node: ModelNode, key: Key[Array, ""], steps: Steps) -> eqx.Module:
    """The model that a node describes, initialized; children first, each with a key of its own.

    Raises:
        Failed: a model refuses a setting.
    """
    children = {
        name: build(child, jax.random.fold_in(key, zlib.crc32(name.encode())), steps)
        for name, child in node.settings.items()
        if isinstance(child, ModelNode)
    }
    module = construct(node, steps, key=key, **children)
    returned(node, isinstance(module, eqx.Module), "an `equinox.Module`", module)
    return module


def abstract(node: ModelNode, steps: Steps) -> eqx.Module:
    """The model with `ShapeDtypeStruct` for every array; nothing is allocated.

    Raises:
        Failed: a model refuses a setting.
    """
    with executing(Execution(shapes=True)):
        return eqx.filter_eval_shape(
            lambda key: build(node, key, steps), jax.eval_shape(lambda: jax.random.key(0))
        )


def is_array(leaf: object) -> bool:
    """Whether a leaf of a module is an array, or stands for one."""
    return isinstance(leaf, jax.ShapeDtypeStruct) or eqx.is_array(leaf)


def models(node: ModelNode, prefix: str = "") -> Mapping[str, ModelNode]:
    """The model and its children by the prefix of their parameters' names (empty for the model itself)."""
    found: dict[str, ModelNode] = {prefix: node}
    for name, child in node.settings.items():
        if isinstance(child, ModelNode):
            found |= models(child, f"{prefix}{name}/")
    return found
