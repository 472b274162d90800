"""Plain gradient descent."""

from __future__ import annotations

import optax

from bvc.component import component


@component("optimizer")
def sgd() -> optax.GradientTransformation:
    """The gradient as it is."""
    return optax.identity()
