"""Repeated blocks: parameters stacked on dim 0, applied by one scan.

Unrolled on CPU and scanned on accelerators, with the same parameters and numbers (docs/decisions.md).
"""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree, Shaped

from bvc.component.execution import execution
from bvc.component.regather import regathering
from bvc.component.shard import Deferred, Shard, gather
from bvc.component.unstack import unstacked

Block = TypeVar("Block", bound=eqx.Module)
Carry = TypeVar("Carry")

Remat = Literal["none", "full", "dots"]

_POLICIES = {
    "full": jax.checkpoint_policies.nothing_saveable,
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
}


class Stack(Deferred, Generic[Block]):
    """`depth` blocks of the same shape; every array leaf of `layer` has a leading dim of size `depth`.

    Its parameters are named per layer, `NAME/03/...`, although they are stored stacked.
    """

    layer: Block
    depth: int = eqx.field(static=True)

    @staticmethod
    def build(make: Callable[[Key[Array, ""]], Block], depth: int, key: Key[Array, ""]) -> Stack[Block]:
        """Initialize each layer with its own key: the values do not depend on how layers are applied."""
        keys = jax.random.split(key, depth)
        return Stack(eqx.filter_vmap(make)(keys), depth)


def layers(
    stack: Stack[Block],
    x: Carry,
    apply: Callable[[Block, Carry, Any], Carry],
    *,
    xs: PyTree[Shaped[Array, "depth *dims"]] = None,
    remat: Remat = "none",
    dtype: Any = None,
) -> Carry:
    """Apply the blocks one after another: `x = apply(block, x, layer_xs)` for each layer.

    The parameters of a layer are gathered in compute precision (`dtype`) inside the scan, just before use.

    Args:
        stack: the blocks.
        x: what passes through them.
        apply: one block; gets the gathered block, the carry and this layer's slice of `xs`.
        xs: further per-layer inputs, stacked on dim 0 (random keys, drop rates).
        remat: what the backward pass recomputes: nothing, whole blocks, or all but matrix products.
        dtype: compute precision of the gathered weights; None keeps the stored one.
    """
    arrays, static = eqx.partition(stack.layer, eqx.is_array)

    def gathered(parameters: Any, inputs: tuple[Carry, Any]) -> Carry:
        return apply(gather(eqx.combine(parameters, static), dtype), *inputs)

    one: Callable[[Any, tuple[Carry, Any]], Carry] = gathered
    sharded = any(isinstance(leaf, Shard) for leaf in jax.tree.leaves(arrays, is_leaf=_is_shard))
    if remat != "none":
        one = jax.checkpoint(one, policy=_POLICIES[remat], prevent_cse=False)
    elif sharded:  # the whole weights of all layers must not wait for the backward pass
        one = regathering(one, apart=execution().unroll or stack.depth == 1)

    def body(carry: Carry, slices: tuple[Any, Any]) -> tuple[Carry, None]:
        return one(slices[0], (carry, slices[1])), None

    if not execution().unroll:
        return jax.lax.scan(body, x, (arrays, xs), length=stack.depth)[0]
    # Traced once. Without collectives it is lowered once too; those need a channel of their own in each layer.
    once = jax.jit(body, inline=bool(execution().mesh.axes))
    for slices in unstacked((arrays, xs), stack.depth):
        x, _ = once(x, slices)
    return x


def _is_shard(node: Any) -> bool:
    return isinstance(node, Shard)
