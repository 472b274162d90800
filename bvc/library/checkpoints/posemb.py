"""Bringing a table of positions to another grid."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from bvc.component import DataError


def resample_grid(table: Float[np.ndarray, "..."], shape: tuple[int, ...]) -> Float[np.ndarray, "1 t d"]:
    """Interpolate a square grid of positions linearly, corners on corners (big_vision `vit.resample_posemb`).

    Raises:
        DataError: a grid is not square, widths differ, or there is nothing.
    """
    if table.ndim != 3 or len(shape) != 3 or table.shape[::2] != shape[::2] or table.size == 0:
        raise DataError(f"a position table of shape {table.shape} cannot be brought to {shape}")
    old, new = math.isqrt(table.shape[1]), math.isqrt(shape[1])
    if old**2 != table.shape[1] or new**2 != shape[1]:
        raise DataError(
            f"{table.shape[1]} positions cannot be brought to {shape[1]}: only square grids can be resampled"
        )
    grid = table.reshape(old, old, -1)
    weights = _linear(old, new)
    grid = np.einsum("yi,xj,ijd->yxd", weights, weights, grid.astype(np.float64))
    return grid.reshape(1, new * new, -1).astype(table.dtype)


def _linear(old: int, new: int) -> Float[np.ndarray, "new old"]:
    """Weights that read `old` samples at `new` equally spaced points from the first to the last."""
    points = np.linspace(0, old - 1, new) if new > 1 else np.zeros(1)
    return np.maximum(0.0, 1.0 - np.abs(points[:, None] - np.arange(old)[None]))
