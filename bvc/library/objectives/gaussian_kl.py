"""Codes stay near a standard Gaussian."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import Loss, component


@component("objective")
def gaussian_kl(mu: Float[Array, "b n k"], logvar: Float[Array, "b n k"]) -> Loss:
    """Kullback-Leibler divergence of diagonal Gaussians from N(0, 1): sum over channels, mean over examples
    (arXiv:1312.6114; big_vision `trainers/proj/givt/vae.py`).

    Ports:
        mu: means of the codes
        logvar: logarithms of their variances
    """
    return Loss.mean(0.5 * jnp.sum(jnp.square(mu) + jnp.exp(logvar) - 1 - logvar, axis=(1, 2)))
