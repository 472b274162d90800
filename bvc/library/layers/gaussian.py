"""Codes with a mean and a variance (VAE, arXiv:1312.6114)."""

from __future__ import annotations

from typing import TypedDict

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.library.layers.dropout import Keys


class VaeOutputs(TypedDict):
    """`z` is what the decoder read: `mu`, or with keys a draw around it."""

    mu: Float[Array, "b n k"]
    logvar: Float[Array, "b n k"]
    z: Float[Array, "b n k"]
    reconstruction: Float[Array, "b h w c"]


def draw(mu: Float[Array, "b n k"], logvar: Float[Array, "b n k"], keys: Keys) -> Float[Array, "b n k"]:
    """A code for each example; its mean without keys."""
    if keys is None:
        return mu
    noise = jax.vmap(lambda key: jax.random.normal(key, mu.shape[1:]))(keys)
    return mu + jnp.exp(0.5 * logvar) * noise
