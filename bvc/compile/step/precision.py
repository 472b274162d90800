"""`[precision]`: in which dtype parameters are kept, and in which gradients are summed over devices.

The dtype of matrix products is each model's own setting `dtype`: parameters are cast to it where they are gathered.
"""

from __future__ import annotations

from typing import TypeVar

import jax
import jax.numpy as jnp

from bvc.compile.construct import is_array
from bvc.component.mutable import mutable_leaves
from bvc.ir import Precision

T = TypeVar("T")


def kept(module: T, precision: Precision) -> T:
    """A module with its parameters in the dtype in which they are kept; mutable state keeps its own."""
    leaves, tree = jax.tree.flatten(module)
    state = mutable_leaves(module)
    return jax.tree.unflatten(
        tree,
        [
            _cast(leaf, precision.parameters) if is_array(leaf) and not mutable else leaf
            for leaf, mutable in zip(leaves, state, strict=True)
        ],
    )


def _cast(leaf: jax.Array | jax.ShapeDtypeStruct, dtype: str) -> jax.Array | jax.ShapeDtypeStruct:
    if leaf.dtype != jnp.float32:
        return leaf
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return jax.ShapeDtypeStruct(leaf.shape, jnp.dtype(dtype))
    return leaf.astype(dtype)
