"""Is every number finite? Asked before anything is saved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PyTree

from bvc.runtime.checkpoints.leaves import named


def not_finite_metrics(metrics: Mapping[str, float]) -> list[str]:
    """Names of the metrics that are NaN or infinite."""
    return [name for name, value in metrics.items() if not math.isfinite(value)]


def not_finite_leaves(state: PyTree) -> list[str]:
    """Names of the arrays that hold a NaN or an infinity, those of the model first."""
    fine = jax.tree.leaves(_finite(state))
    bad = [name for name, is_fine in zip(named(state), fine, strict=True) if not is_fine]
    return sorted(bad, key=lambda name: not name.startswith("params/"))


@jax.jit
def _finite(state: Any) -> PyTree[Bool[Array, ""]]:
    return jax.tree.map(
        lambda leaf: (
            jnp.isfinite(leaf).all() if jnp.issubdtype(leaf.dtype, jnp.inexact) else jnp.asarray(True)
        ),
        state,
    )
