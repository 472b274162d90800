"""Piecewise constant."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import SettingError, Steps, component


@component("schedule")
def stair(
    step: Float[Array, ""], *, warmup: int, total: int, steps: tuple[Steps, ...], mults: tuple[float, ...]
) -> Float[Array, ""]:
    """A constant until the next of `steps` (big_vision utils.py, `stair`).

    Settings:
        steps: when the factor changes; rising
        mults: the factor from each of `steps` on; not cumulative. Before the first it is 1
    """
    if len(steps) != len(mults):
        raise SettingError("mults", f"has {len(mults)} factors for {len(steps)} steps")
    if tuple(sorted(steps)) != steps:
        raise SettingError("steps", "must rise", help="put them in order, each with its factor")
    factor = jnp.ones_like(step)
    for start, mult in zip(steps, mults, strict=True):
        factor = jnp.where(step >= start, mult, factor)
    return factor
