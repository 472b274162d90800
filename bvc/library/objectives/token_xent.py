"""Captioning: the next token, at every place."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bvc.component import Fraction, Loss, component
from bvc.library.losses import cross_entropy


@component("objective")
def token_xent(
    logits: Float[Array, "b t v"],
    labels: Int[Array, "b t"],
    label_masks: Float[Array, "b t"] | None = None,
    *,
    pad: int = 0,
    smoothing: Fraction = 0.0,
    normalize: bool = True,
) -> Loss:
    """Cross-entropy of tokens that are not padding; sequences count equally (big_vision, cappa/generative.py).

    Settings:
        pad: the token that fills sequences up; it does not count
        smoothing: part of the target that all other tokens share
        normalize: divide each sequence's sum by the number of its tokens

    Ports:
        logits: one per token of the vocabulary, at each place
        labels: the token at each place
        label_masks: further weight of each place
    """
    weights = (labels != pad).astype(jnp.float32)
    if label_masks is not None:
        weights = weights * label_masks
    return Loss.mean(
        cross_entropy.token_xent(logits, labels, weights, smoothing=smoothing, normalize=normalize)
    )
