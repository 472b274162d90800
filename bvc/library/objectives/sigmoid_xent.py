"""Classification, every class a question of its own."""

from __future__ import annotations

from jaxtyping import Array, Float

from bvc.component import Loss, component
from bvc.library.losses import cross_entropy


@component("objective")
def sigmoid_xent(logits: Float[Array, "b c"], labels: Float[Array, "b c"]) -> Loss:
    """Sigmoid cross-entropy: sum over classes, mean over examples (arXiv:2006.07159).

    Ports:
        logits: one per class
        labels: target of each class, 0 to 1
    """
    return Loss.mean(cross_entropy.sigmoid_xent(logits, labels))
