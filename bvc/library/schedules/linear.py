"""Linear decay."""

from __future__ import annotations

from jaxtyping import Array, Float

from bvc.component import component
from bvc.library.schedules._progress import progress


@component("schedule")
def linear(step: Float[Array, ""], *, warmup: int, total: int, end: float = 0.0) -> Float[Array, ""]:
    """A straight line from 1 after warmup to `end` at the end (big_vision utils.py, `linear`).

    Settings:
        end: factor at the last step
    """
    return end + (1.0 - end) * (1.0 - progress(step, warmup, total))
