"""Likelihood of codes under the density that the model predicts."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from bvc.component import Loss, component


@component("objective")
def gmm_nll(
    log_prob: Float[Array, "b t k"] | Float[Array, "b t"], hidden: Bool[Array, "b t"] | None = None
) -> Loss:
    """Negative log-likelihood, mean over tokens, and over channels where each has its own density (GIVT,
    arXiv:2312.02116).

    Where tokens are hidden, the mean is that over the hidden ones of the whole batch.

    Ports:
        log_prob: the log density at each token, or at each of its channels
        hidden: which tokens were hidden from the model
    """
    if hidden is None:
        return Loss.mean(-log_prob)
    nll = -log_prob if log_prob.ndim == 2 else jnp.mean(-log_prob, axis=-1)
    return Loss(jnp.sum(jnp.where(hidden, nll, 0.0)), jnp.sum(hidden.astype(jnp.float32)))
