"""Multi-head attention (arXiv:1706.03762) on batched sequences."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from bvc.component import complete
from bvc.component.execution import execution
from bvc.library.layers.dense import Dtype, rows
from bvc.library.layers.dropout import Keys, dropout
from bvc.library.layers.initializers import Parameter, RandomKey, xavier_uniform, zeros
from bvc.library.layers.norm import LayerNorm

Mask = Bool[Array, "#b #n #t s"]
"""True where a position (t) may attend to another one (s)."""
SelfMask = Bool[Array, "#b #n #t t"]
"""The same within one sequence."""


def attend(
    query: Float[Array, "b t n k"],
    key: Float[Array, "b s n k"],
    value: Float[Array, "b s n k"],
    *,
    mask: Mask | None = None,
    drop: float = 0.0,
    keys: Keys = None,
    share_drop: bool = False,
) -> Float[Array, "b t n k"]:
    """Softmax attention; the query is scaled by 1 / sqrt(k) here.

    A row that may attend to nothing gets uniform weights. With `keys`, weights are dropped with probability
    `drop`; `share_drop` uses one draw for all queries.
    """
    query = query / math.sqrt(query.shape[-1])
    if (keys is None or drop == 0.0) and not execution().unroll:
        return jax.nn.dot_product_attention(query, key, value, mask=mask, scale=1.0)
    # On CPU it is written out, for what XLA makes of it there (bench/README.md): heads beside the batch cost a copy
    # before the products and save more in them, and dividing by the sum of the weights costs least at the end.
    query, key, value = (jnp.swapaxes(x, 1, 2) for x in (query, key, value))
    logits = jnp.einsum("bntk,bnsk->bnts", query, key, preferred_element_type=jnp.float32)
    if mask is not None:
        logits = jnp.where(mask, logits, jnp.finfo(jnp.float32).min)
    weights = jnp.exp(logits - lax.stop_gradient(jnp.max(logits, -1, keepdims=True)))
    total = jnp.sum(weights, -1, keepdims=True)
    weights = dropout(weights.astype(value.dtype), drop, keys, broadcast=(2,) if share_drop else (), split=1)
    y = jnp.einsum("bnts,bnsk->bntk", weights, value, preferred_element_type=jnp.float32) / total
    return jnp.swapaxes(y.astype(value.dtype), 1, 2)


class Memory(NamedTuple):
    """Keys and values of a sequence."""

    key: Float[Array, "b s n k"]
    value: Float[Array, "b s n k"]


class Projection(eqx.Module):
    """A linear map into heads (`d -> n k`)."""

    kernel: Float[Array, "d n k"]
    bias: Float[Array, "n k"] | None

    def __call__(self, x: Float[Array, "b t d"], dtype: Dtype) -> Float[Array, "b t n k"]:
        """Tokens to heads."""
        kernel = self.kernel.astype(dtype)
        if not execution().unroll:
            y = jnp.einsum("btd,dnk->btnk", x.astype(dtype), kernel)
            return y if self.bias is None else y + self.bias.astype(dtype)
        y = rows(x).astype(dtype) @ kernel.reshape(len(kernel), -1)
        y = y if self.bias is None else y + self.bias.astype(dtype).reshape(-1)
        return y.reshape(*x.shape[:2], *kernel.shape[1:])


class Merge(eqx.Module):
    """A linear map out of heads (`n k -> d`)."""

    kernel: Float[Array, "n k d"]
    bias: Float[Array, "d"] | None

    def __call__(self, x: Float[Array, "b t n k"], dtype: Dtype) -> Float[Array, "b t d"]:
        """Heads to tokens."""
        kernel = self.kernel.astype(dtype)
        if execution().unroll:
            y = rows(x.reshape(*x.shape[:2], -1)).astype(dtype) @ kernel.reshape(-1, kernel.shape[-1])
        else:
            y = jnp.einsum("btnk,nkd->btd", x.astype(dtype), kernel)
        y = complete(y, x, kernel)
        y = y if self.bias is None else y + self.bias.astype(dtype)
        return y.reshape(*x.shape[:2], y.shape[-1])


class Attention(eqx.Module):
    """Query from `x`, key and value from `source`, as wide as `x` if not told; computed in `dtype`.

    With `qk_norm` queries and keys are normalized head by head, with one scale for all (ViT-22B, arXiv:2302.05442).
    """

    query: Projection
    key: Projection
    value: Projection
    out: Merge
    query_norm: LayerNorm | None
    key_norm: LayerNorm | None
    drop: float = eqx.field(static=True)
    dtype: Dtype = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        source: int | None = None,
        bias: bool = True,
        qkv_bias: bool = True,
        qk_norm: bool = False,
        drop: float = 0.0,
        dtype: Dtype = "float32",
        key: RandomKey,
    ) -> None:
        shape = (width, heads, width // heads)
        # One draw for kernels of one distribution: each draw costs compile time.
        if source is None or source == width:
            query, key_, value, out = xavier_uniform(key, (4, width, width), width, width)
        else:
            own, theirs = jax.random.split(key)
            query, out = xavier_uniform(own, (2, width, width), width, width)
            key_, value = xavier_uniform(theirs, (2, source, width), source, width)

        def project(kernel: Parameter) -> Projection:
            return Projection(kernel.reshape(-1, *shape[1:]), zeros(shape[1:]) if bias and qkv_bias else None)

        self.query, self.key, self.value = project(query), project(key_), project(value)
        self.out = Merge(out.reshape(*shape[1:], width), zeros((width,)) if bias else None)
        self.query_norm = LayerNorm(shape[2], bias=False) if qk_norm else None
        self.key_norm = LayerNorm(shape[2], bias=False) if qk_norm else None
        self.drop = drop
        self.dtype = dtype

    def __call__(
        self,
        x: Float[Array, "b t d"],
        source: Float[Array, "b s e"],
        *,
        mask: Mask | None = None,
        keys: Keys = None,
    ) -> Float[Array, "b t d"]:
        """What each token of `x` gathers from `source`."""
        return self.read(x, self.memory(source), mask=mask, keys=keys)

    def memory(self, source: Float[Array, "b s e"]) -> Memory:
        """What `source` offers to be attended to."""
        key = self._normalized(self.key_norm, self.key(source, self.dtype))
        return Memory(key, self.value(source, self.dtype))

    def read(
        self, x: Float[Array, "b t d"], memory: Memory, *, mask: Mask | None = None, keys: Keys = None
    ) -> Float[Array, "b t d"]:
        """What each token of `x` gathers from a memory."""
        query = self._normalized(self.query_norm, self.query(x, self.dtype))
        y = attend(query, memory.key, memory.value, mask=mask, drop=self.drop, keys=keys)
        return self.out(y, self.dtype)

    def extend(self, memory: Memory, x: Float[Array, "b 1 d"], index: Int[Array, ""]) -> Memory:
        """`memory` with what one token offers, at position `index`."""
        new = self.memory(x)
        return Memory(
            *(
                lax.dynamic_update_slice_in_dim(old, one, index, 1)
                for old, one in zip(memory, new, strict=True)
            )
        )

    def _normalized(self, norm: LayerNorm | None, x: Float[Array, "b t n k"]) -> Float[Array, "b t n k"]:
        return x if norm is None else norm(x).astype(self.dtype)
