"""Position embeddings: learned tables and fixed waves."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import SettingError
from bvc.library.layers.initializers import RandomKey, normal


def learned(tokens: int, width: int, *, key: RandomKey) -> Float[Array, "1 t d"]:
    """A table to be trained, started with standard deviation 1/sqrt(width)."""
    return normal(key, (1, tokens, width), 1 / math.sqrt(width))


def check_waves(width: int) -> None:
    """Can waves fill this many channels?

    Raises:
        SettingError: they cannot; four kinds of wave share the channels.
    """
    if width % 4:
        raise SettingError("width", f"is {width}: fixed waves need a multiple of 4")


def sincos2d(
    height: int, width: int, channels: int, *, temperature: float = 10_000.0
) -> Float[Array, "1 t d"]:
    """Waves of `channels / 4` frequencies along x and y: sin x, cos x, sin y, cos y (arXiv:2104.02057)."""
    quarter = channels // 4
    y, x = jnp.mgrid[:height, :width].astype(jnp.float32)
    omega = 1.0 / temperature ** (jnp.arange(quarter, dtype=jnp.float32) / (quarter - 1))
    y = y.reshape(-1, 1) * omega
    x = x.reshape(-1, 1) * omega
    return jnp.concatenate([jnp.sin(x), jnp.cos(x), jnp.sin(y), jnp.cos(y)], axis=1)[None]
