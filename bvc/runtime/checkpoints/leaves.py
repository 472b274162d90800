"""The arrays of a state by name, and where a saved set of arrays differs from the wanted one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
from jaxtyping import PyTree

from bvc.component.names import Parameter, parameters

Difference = tuple[str, str | None, str | None]


def named(state: PyTree) -> dict[str, Any]:
    """Name -> array leaf, in tree order; the layers of a stack are one leaf, named with `*` for the layer.

    Raises:
        ValueError: two leaves have the same name.
    """
    leaves = jax.tree.leaves(state)
    layers: dict[int, list[Parameter]] = {}
    for parameter in parameters(state):
        layers.setdefault(parameter.leaf, []).append(parameter)
    found = {_name(layers[index]): leaf for index, leaf in enumerate(leaves)}
    if len(found) != len(leaves):
        raise ValueError("two arrays of the state have the same name")
    return found


def described(leaves: Mapping[str, Any]) -> dict[str, str]:
    """Name -> dtype and shape, such as `float32[8 16]`."""
    return {
        name: f"{leaf.dtype}[{' '.join(str(size) for size in leaf.shape)}]" for name, leaf in leaves.items()
    }


def differences(saved: Mapping[str, str], wanted: Mapping[str, str]) -> list[Difference]:
    """(name, saved or None, wanted or None) for every array that is not the same on both sides."""
    names = dict.fromkeys((*wanted, *saved))
    return [
        (name, saved.get(name), wanted.get(name)) for name in names if saved.get(name) != wanted.get(name)
    ]


def _name(layers: list[Parameter]) -> str:
    first = layers[0].name
    if layers[0].layer is None:
        return first
    words = first.split("/")
    last = layers[-1].name.split("/")
    changes = [index for index, word in enumerate(words) if word != last[index]]
    at = changes[0] if changes else words.index("00")
    return "/".join((*words[:at], "*", *words[at + 1 :]))
