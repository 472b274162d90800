"""Polynomial decay."""

from __future__ import annotations

from jaxtyping import Array, Float

from bvc.component import component
from bvc.library.schedules._progress import progress


@component("schedule")
def polynomial(
    step: Float[Array, ""], *, warmup: int, total: int, power: float = 1.0, end: float = 0.0
) -> Float[Array, ""]:
    """`end + (1 - end) * (1 - progress) ^ power` (big_vision utils.py, `polynomial`).

    Settings:
        power: exponent; 1 is a straight line
        end: factor at the last step
    """
    return end + (1.0 - end) * (1.0 - progress(step, warmup, total)) ** power
