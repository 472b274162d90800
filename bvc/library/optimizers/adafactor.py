"""Adafactor as big_vision has it."""

from __future__ import annotations

from typing import Any, Literal

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from bvc.component import Count, Fraction, NonNegative, component


@component("optimizer")
def adafactor(
    *,
    min_dim_size_to_factor: Count = 32,
    decay_rate: NonNegative = 0.8,
    beta2_cap: Fraction = 0.999,
    clipping_threshold: NonNegative | None = None,
    momentum: Fraction = 0.9,
    momentum_dtype: Literal["float32", "bfloat16"] = "bfloat16",
    eps: NonNegative = 1e-30,
) -> optax.GradientTransformation:
    """Adafactor without parameter scaling and relative steps, with momentum (arXiv:2106.04560, big_vision optax.py).

    Settings:
        min_dim_size_to_factor: tensors whose second-largest dim is smaller keep a whole second moment
        decay_rate: at step t (from 1) the second moment decays by 1 - t^-decay_rate ...
        beta2_cap: ... but by no more than this
        clipping_threshold: largest root mean square of a tensor's update; absent: none
        momentum: decay of the mean of updates, which is not debiased; 0 keeps no mean
        momentum_dtype: precision in which that mean is kept
        eps: added to squared gradients
    """

    def decay(count: Any, exponent: Any) -> Float[Array, ""]:
        return jnp.minimum(beta2_cap, 1.0 - (jnp.asarray(count, jnp.float32) + 1.0) ** -exponent)

    parts = [
        optax.scale_by_factored_rms(
            decay_rate=decay_rate,
            min_dim_size_to_factor=min_dim_size_to_factor,
            epsilon=eps,
            decay_rate_fn=decay,
        )
    ]
    if clipping_threshold is not None:
        parts.append(optax.clip_by_block_rms(clipping_threshold))
    if momentum:
        parts.append(optax.ema(momentum, debias=False, accumulator_dtype=momentum_dtype))
    return optax.chain(*parts)
