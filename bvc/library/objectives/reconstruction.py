"""An image is reproduced."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import Loss, component


@component("objective")
def reconstruction(reconstruction: Float[Array, "b h w c"], image: Float[Array, "b h w c"]) -> Loss:
    """Half the squared error: sum over pixels, mean over images (big_vision `trainers/proj/givt/vae.py`).

    Ports:
        reconstruction: pixels that the model gives
        image: pixels that it read
    """
    return Loss.mean(0.5 * jnp.sum(jnp.square(reconstruction - image), axis=(1, 2, 3)))
