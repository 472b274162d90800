"""Views: named ways to call the model, or one of the models inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
from jaxtyping import Array, Shaped

from bvc.component.declare import Method
from bvc.ir import ModelNode


@dataclass(frozen=True, slots=True)
class View:
    """A view that was found: the way to its module, the method, and settings of the method.

    Attributes:
        path: fields from the model to the module that has the method.
        node: that module's node.
        method: the method's signature.
        settings: keyword arguments from the spec.
    """

    path: tuple[str, ...]
    node: ModelNode
    method: Method
    settings: Mapping[str, Any]

    def call(self, model: eqx.Module, ports: Mapping[str, Shaped[Array, "b *dims"]]) -> dict[str, Any]:
        """Named outputs; a view with one unnamed output gives it the name of the view."""
        module: Any = model
        for name in self.path:
            module = getattr(module, name)
        out = getattr(module, self.method.name)(**ports, **self.settings)
        return dict(out) if isinstance(out, dict) else {self.method.name: out}


def find_view(model: ModelNode, name: str, settings: Mapping[str, Any]) -> View | None:
    """The view `logits`, or `image.pre_logits` of the child model `image`."""
    *path, last = name.split(".")
    node = model
    for part in path:
        child = node.settings.get(part)
        if not isinstance(child, ModelNode):
            return None
        node = child
    method = node.component.views.get(last)
    return None if method is None else View(tuple(path), node, method, settings)


def view_names(model: ModelNode, prefix: str = "") -> list[str]:
    """All views of a model and of the models inside it."""
    names = [prefix + name for name in model.component.views]
    for name, child in model.settings.items():
        if isinstance(child, ModelNode):
            names += view_names(child, f"{prefix}{name}.")
    return names
