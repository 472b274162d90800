"""Reciprocal square root decay."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import SettingError, Steps, component


@component("schedule")
def rsqrt(
    step: Float[Array, ""], *, warmup: int, total: int, timescale: Steps = 10_000, shift: Steps = 0
) -> Float[Array, ""]:
    """Falls as 1/sqrt(time) after warmup, so that it does not need to know the end (arXiv:2106.04560).

    Settings:
        timescale: time after which the factor has fallen to 1/sqrt(2)
        shift: time by which the decay is ahead when the warmup ends
    """
    if timescale <= 0:
        raise SettingError("timescale", "must be positive", help='such as `"10_000 steps"`')
    return 1.0 / jnp.sqrt(1.0 + (jnp.maximum(step, warmup) + shift - warmup) / timescale)
