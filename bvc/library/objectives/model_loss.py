"""What the model itself calls its loss."""

from __future__ import annotations

from jaxtyping import Array, Float

from bvc.component import Loss, component


@component("objective")
def model_loss(loss: Float[Array, "b"]) -> Loss:
    """The mean of a loss that the model gives for each example, as `label_autoencoder` does.

    Ports:
        loss: one number for each example
    """
    return Loss.mean(loss)
