"""Dropout whose masks belong to examples, so that they do not depend on how a batch is split."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key

from bvc.component import offset_along

Keys = Key[Array, "b"] | None
"""One key for each example of a batch, or None when nothing is random."""


def fold(keys: Keys, number: int | Int[Array, ""]) -> Keys:
    """Keys for one place in the model, or one layer of a stack."""
    return None if keys is None else jax.vmap(jax.random.fold_in, (0, None))(keys, number)


def dropout(
    x: Float[Array, "b *dims"],
    rate: float,
    keys: Keys,
    *,
    broadcast: tuple[int, ...] = (),
    split: int = -1,
) -> Float[Array, "b *dims"]:
    """Zero each entry with probability `rate` and scale the others by 1 / (1 - rate).

    Args:
        x: what to drop from.
        rate: probability of zero.
        keys: one key per example; None keeps everything.
        broadcast: dims of `x` along which one draw holds.
        split: the dim that a tensor axis may split; then the whole mask is drawn, and this device's part used.
    """
    if keys is None or rate == 0.0:
        return x
    shape = [1 if dim in broadcast else size for dim, size in enumerate(x.shape)]
    shape[split], start = offset_along(x, shape[split])
    keep = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - rate, shape[1:]))(keys)
    if shape[split] != x.shape[split]:
        keep = lax.dynamic_slice_in_dim(keep, start, x.shape[split], split)
    return jnp.where(keep, x / (1 - rate), jnp.zeros((), x.dtype))
