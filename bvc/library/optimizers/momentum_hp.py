"""Momentum in half precision."""

from __future__ import annotations

from typing import Literal

import optax

from bvc.component import Fraction, component


@component("optimizer")
def momentum_hp(
    *, momentum: Fraction = 0.9, dtype: Literal["float32", "bfloat16"] = "bfloat16", nesterov: bool = False
) -> optax.GradientTransformation:
    """Gradient descent with an undamped trace: `trace = gradient + momentum * trace` (big_vision optax.py).

    Settings:
        momentum: decay of the trace
        dtype: precision in which the trace is kept
        nesterov: step by `gradient + momentum * trace` instead of the trace
    """
    return optax.trace(decay=momentum, nesterov=nesterov, accumulator_dtype=dtype)
