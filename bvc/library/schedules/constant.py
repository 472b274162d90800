"""No decay."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import component


@component("schedule")
def constant(step: Float[Array, ""], *, warmup: int, total: int) -> Float[Array, ""]:
    """1 throughout; warmup and cooldown still apply."""
    return jnp.ones_like(step)
