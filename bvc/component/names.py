"""The public names of parameters: what rules match, what tables list, what checkpoints are mapped from.

A name is the path of fields through the modules, joined by `/`; layers of a `Stack` are named one by one
(`blocks/03/attention/query/kernel`), although they are stored stacked.
"""

# pyright: basic
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import equinox as eqx
import jax
from jaxtyping import PyTree

from bvc.component.stack import Stack


@dataclass(frozen=True, slots=True)
class Parameter:
    """One named parameter: a leaf of the module's tree, or one layer of a stacked leaf.

    `leaf` numbers the array leaves in tree order; `layer` is the index on dim 0 of that leaf, or None when the
    leaf is not stacked. `shape` is that of the named parameter, without the stacking dim.
    """

    name: str
    leaf: int
    layer: int | None
    shape: tuple[int, ...]
    dtype: str


def parameters(module: PyTree) -> list[Parameter]:
    """All parameters of a module (arrays or ShapeDtypeStructs), in tree order, layers in order."""
    found: list[Parameter] = []
    leaves = jax.tree_util.tree_leaves_with_path(module)
    for index, (path, leaf) in enumerate(leaves):
        words, depth = _words(module, path)
        shape, dtype = tuple(leaf.shape), str(leaf.dtype)
        if depth is None:
            found.append(Parameter("/".join(words), index, None, shape, dtype))
            continue
        width = max(2, len(str(depth - 1)))
        for layer in range(depth):
            name = "/".join(f"{layer:0{width}d}" if word is _LAYER else word for word in words)
            found.append(Parameter(name, index, layer, shape[1:], dtype))
    return found


def leaf_names(module: PyTree) -> list[str]:
    """The name of every array leaf in tree order; `*` stands for the number of the layer in stacked ones."""
    leaves = jax.tree_util.tree_leaves_with_path(module)
    return [
        "/".join("*" if word is _LAYER else word for word in _words(module, path)[0]) for path, _ in leaves
    ]


_LAYER: Any = object()


def _words(module: Any, path: tuple[Any, ...]) -> tuple[list[Any], int | None]:
    words: list[Any] = []
    depth: int | None = None
    node: Any = module
    for step in path:
        if isinstance(node, Stack) and isinstance(step, jax.tree_util.GetAttrKey):
            words.append(_LAYER)
            depth = node.depth
            node = node.layer
            continue
        if isinstance(step, jax.tree_util.GetAttrKey):
            words.append(step.name)
            node = getattr(node, step.name)
        elif isinstance(step, jax.tree_util.DictKey):
            words.append(str(step.key))
            node = cast(Any, node)[step.key]
        elif isinstance(step, jax.tree_util.SequenceKey):
            words.append(str(step.idx))
            node = cast(Any, node)[step.idx]
        else:
            words.append(str(step))
    return words, depth


def trainable(module: PyTree) -> PyTree:
    """The array half of a module: what optimizers and checkpoints see."""
    return eqx.filter(module, eqx.is_array_like)
