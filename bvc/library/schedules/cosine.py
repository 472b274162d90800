"""Cosine decay."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import component
from bvc.library.schedules._progress import progress


@component("schedule")
def cosine(step: Float[Array, ""], *, warmup: int, total: int) -> Float[Array, ""]:
    """Half a cosine wave from 1 after warmup to 0 at the end (SGDR without restarts, arXiv:1608.03983)."""
    return (1.0 + jnp.cos(jnp.pi * progress(step, warmup, total))) * 0.5
