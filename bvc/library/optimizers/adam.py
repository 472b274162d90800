"""Adam."""

from __future__ import annotations

from typing import Literal

import optax

from bvc.component import Fraction, NonNegative, component


@component("optimizer")
def adam(
    *,
    b1: Fraction = 0.9,
    b2: Fraction = 0.999,
    eps: NonNegative = 1e-8,
    mu_dtype: Literal["float32", "bfloat16"] = "float32",
) -> optax.GradientTransformation:
    """Adam (arXiv:1412.6980): the mean of gradients over the root of the mean of their squares, both debiased.

    Settings:
        b1: decay of the mean of gradients
        b2: decay of the mean of squares
        eps: added to the root
        mu_dtype: precision in which the mean of gradients is kept
    """
    return optax.scale_by_adam(b1, b2, eps, mu_dtype=mu_dtype)
