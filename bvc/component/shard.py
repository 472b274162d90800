"""Sharded parameters inside `shard_map`: one function brings a module's weights together before use."""

from __future__ import annotations

from typing import Any, TypeVar

import equinox as eqx
import jax
from jax import lax
from jaxtyping import Array, Shaped

T = TypeVar("T")


class Shard(eqx.Module):
    """This device's part of a parameter.

    `dim` counts from the end (so that slicing the layers of a stack leaves it true); `axis` is the mesh axis
    over which that dim is split.
    """

    value: Shaped[Array, "*dims"]
    dim: int = eqx.field(static=True)
    axis: str = eqx.field(static=True)


def gather(module: T, dtype: Any = None) -> T:
    """`module` with whole parameters, to be called right before use.

    A sharded parameter is cast to `dtype` (compute precision) and gathered; its gradient leaves by
    reduce-scatter in the reduction dtype. Replicated parameters keep their dtype. Outside a mesh nothing happens.
    """

    def whole(leaf: Any) -> Any:
        if not isinstance(leaf, Shard):
            return leaf
        value = leaf.value if dtype is None else leaf.value.astype(dtype)
        return lax.all_gather(value, leaf.axis, axis=value.ndim + leaf.dim, tiled=True)

    return jax.tree.map(whole, module, is_leaf=lambda leaf: isinstance(leaf, Shard))
