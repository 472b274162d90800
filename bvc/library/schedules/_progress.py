"""How far a run is."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def progress(step: Float[Array, ""], warmup: int, total: int) -> Float[Array, ""]:
    """0 until the warmup is over, then linear to 1 at step `total`."""
    return jnp.clip((step - warmup) / (total - warmup), 0.0, 1.0)
