"""One choice among classes at each place, every place with a weight."""

from __future__ import annotations

from jaxtyping import Array, Float, Int

from bvc.component import Fraction, Loss, component
from bvc.library.losses import cross_entropy


@component("objective")
def weighted_xent(
    logits: Float[Array, "b t c"],
    labels: Int[Array, "b t"],
    weights: Float[Array, "b t"] | None = None,
    *,
    smoothing: Fraction = 0.0,
    normalize: bool = True,
) -> Loss:
    """Softmax cross-entropy of places with weights, mean over examples (big_vision's `weighted_softmax_xent`).

    Settings:
        smoothing: part of the target that all other classes share
        normalize: divide each example's sum by the sum of its weights, or the number of its places without weights

    Ports:
        logits: one per class, at each place
        labels: the class at each place
        weights: of each place
    """
    return Loss.mean(
        cross_entropy.token_xent(logits, labels, weights, smoothing=smoothing, normalize=normalize)
    )
