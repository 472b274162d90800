"""Classification, one class among many."""

from __future__ import annotations

from jaxtyping import Array, Float

from bvc.component import Loss, component
from bvc.library.losses import cross_entropy


@component("objective")
def softmax_xent(logits: Float[Array, "b c"], labels: Float[Array, "b c"], *, kl: bool = False) -> Loss:
    """Softmax cross-entropy, mean over examples.

    Settings:
        kl: subtract the entropy of the labels, so that the minimum is 0

    Ports:
        logits: one per class
        labels: weight of each class, usually one-hot
    """
    return Loss.mean(cross_entropy.softmax_xent(logits, labels, kl=kl))
