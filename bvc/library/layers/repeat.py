"""Repeated blocks that can be looked into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from bvc.component import Stack, gather, layers
from bvc.component.stack import Remat as Remat
from bvc.library.layers import tap
from bvc.library.layers.dense import Dtype

Block = TypeVar("Block", bound=eqx.Module)
Carry = TypeVar("Carry")


def repeat(
    blocks: Stack[Block],
    x: Carry,
    apply: Callable[[Block, Carry, Any, Any], Carry],
    *,
    xs: PyTree = None,
    remat: Remat = "none",
    dtype: Dtype = "float32",
    scope: str = "block{:02d}",
) -> Carry:
    """Apply stacked blocks one after another: `x = apply(block, x, index, layer_xs)`.

    Inside a capture (`tap.py`) they are applied one by one, each in a scope of its own, named by `scope`.

    Args:
        blocks: the blocks.
        x: what passes through them.
        apply: one block; gets the block, the carry, the number of the layer and its slice of `xs`.
        xs: further inputs, one for each layer on dim 0.
        remat: what the backward pass computes again.
        dtype: compute precision of gathered weights.
        scope: the name of a layer's scope, from its number.
    """
    if tap.capturing():
        for index in range(blocks.depth):
            block, own = jax.tree.map(lambda leaf, layer=index: leaf[layer], (blocks.layer, xs))
            with tap.scope(scope.format(index)):
                x = apply(gather(block, dtype), x, jnp.asarray(index), own)
        return x
    return layers(
        blocks,
        x,
        lambda block, x, own: apply(block, x, *own),
        xs=(jnp.arange(blocks.depth), xs),
        remat=remat,
        dtype=dtype,
    )
