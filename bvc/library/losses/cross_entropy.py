"""Cross-entropies, one value per example (big_vision utils.py)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def sigmoid_xent(logits: Float[Array, "*b c"], labels: Float[Array, "*b c"]) -> Float[Array, "*b"]:
    """Every class a question of its own, answers summed over classes; labels are targets in 0..1."""
    logits = logits.astype(jnp.float32)
    yes, no = jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)
    return -jnp.sum(labels * yes + (1.0 - labels) * no, axis=-1)


def softmax_xent(
    logits: Float[Array, "*dims"], labels: Float[Array, "*dims"], *, kl: bool = False, axis: int = -1
) -> Float[Array, "*rest"]:
    """One choice among classes along `axis`; labels are weights of classes and need not sum to 1.

    With `kl` the entropy of the labels is subtracted, so that the minimum is 0.
    """
    loss = -jnp.sum(labels * jax.nn.log_softmax(logits.astype(jnp.float32), axis=axis), axis=axis)
    if kl:
        loss = loss + jnp.sum(labels * jnp.log(jnp.maximum(labels, 1e-8)), axis=axis)
    return loss


def token_xent(
    logits: Float[Array, "b t v"],
    labels: Int[Array, "b t"],
    weights: Float[Array, "b t"] | None = None,
    *,
    smoothing: float = 0.0,
    normalize: bool = True,
) -> Float[Array, "b"]:
    """One choice among `v` tokens at each of `t` places, summed over places.

    Targets are `smoothed`. With `normalize` the sum is divided by the sum of the weights (the number of places without
    them), so that sequences count equally.
    """
    loss = softmax_xent(logits, smoothed(labels, logits.shape[-1], smoothing))
    count: Float[Array, "b"] | int = labels.shape[-1]
    if weights is not None:
        loss = loss * weights
        count = jnp.maximum(jnp.sum(weights, axis=-1), 2e-38)  # all padding: 0 / tiny is 0
    loss = jnp.sum(loss, axis=-1)
    return loss / count if normalize else loss


def smoothed(labels: Int[Array, "*b"], classes: int, smoothing: float) -> Float[Array, "*b c"]:
    """Labels as targets: 1 - smoothing for the class itself, equal parts of the rest for the others."""
    rest = smoothing / (classes - 1)
    return jax.nn.one_hot(labels, classes) * (1.0 - smoothing - rest) + rest
