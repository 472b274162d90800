"""Views: named ways to call the model, or one of the models inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
from jaxtyping import Array, Shaped

from bvc.component.declare import Method
from bvc.ir import ModelNode

FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class View:
    """A view that was found: the way to its module, the method, and settings of the method.

    Attributes:
        path: fields from the model to the module that has the method.
        node: that module's node.
        method: the method's signature.
        settings: keyword arguments from the spec.
        frozen: the name of the frozen module that it belongs to, if it is not the model's.
    """

    path: tuple[str, ...]
    node: ModelNode
    method: Method
    settings: Mapping[str, Any]
    frozen: str | None = None

    def call(self, model: eqx.Module, ports: Mapping[str, Shaped[Array, "b *dims"]]) -> dict[str, Any]:
        """Named outputs; a view with one unnamed output gives it the name of the view."""
        module: Any = model
        for name in self.path:
            module = getattr(module, name)
        out = getattr(module, self.method.name)(**ports, **self.settings)
        return dict(out) if isinstance(out, dict) else {self.method.name: out}


def find_view(
    model: ModelNode,
    name: str,
    settings: Mapping[str, Any],
    frozen: Mapping[str, ModelNode] | None = None,
) -> View | None:
    """The view `logits`, `image.pre_logits` of a child model, or `frozen.prof.logits` of a frozen module."""
    root, _, rest = name.partition(".")
    of, _, inner = rest.partition(".")
    if root == FROZEN and frozen and of in frozen:
        found = find_view(frozen[of], inner, settings)
        return None if found is None else replace(found, frozen=of)
    *path, last = name.split(".")
    node = model
    for part in path:
        child = node.settings.get(part)
        if not isinstance(child, ModelNode):
            return None
        node = child
    method = node.component.views.get(last)
    return None if method is None else View(tuple(path), node, method, settings)


def view_names(
    model: ModelNode, prefix: str = "", frozen: Mapping[str, ModelNode] | None = None
) -> list[str]:
    """All views of a model, of the models inside it, and of the frozen modules."""
    names = [prefix + name for name in model.component.views]
    for name, child in model.settings.items():
        if isinstance(child, ModelNode):
            names += view_names(child, f"{prefix}{name}.")
    for name, module in (frozen or {}).items():
        names += view_names(module, f"{FROZEN}.{name}.")
    return names
