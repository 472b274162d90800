"""Codes stay near their codewords."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import Loss, component


@component("objective")
def commitment(bottleneck: Float[Array, "b n k"], bottleneck_q: Float[Array, "b n k"]) -> Loss:
    """Mean squared distance of what the encoder says from its codeword, which does not move (arXiv:1711.00937).

    Ports:
        bottleneck: what the encoder says
        bottleneck_q: the codeword that stands for it
    """
    return Loss.mean(jnp.square(bottleneck - jax.lax.stop_gradient(bottleneck_q)))
