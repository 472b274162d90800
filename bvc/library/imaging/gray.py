"""Luma, as TensorFlow's `rgb_to_grayscale` computes it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

_WEIGHTS = np.array([0.2989, 0.587, 0.114], np.float32)


def gray(image: Num[np.ndarray, "h w 3"]) -> Num[np.ndarray, "h w"]:
    """0.2989 R + 0.587 G + 0.114 B in float32; integers are scaled to [0, 1] and back, saturating."""
    if image.dtype.kind not in "iu":
        return _luma(image.astype(np.float32)).astype(image.dtype)
    most = np.float32(np.iinfo(image.dtype).max)
    luma = _luma(image.astype(np.float32) * (np.float32(1) / most))
    return np.clip(luma * (most + np.float32(0.5)), 0, most).astype(image.dtype)


def _luma(image: np.ndarray) -> np.ndarray:
    return image[..., 0] * _WEIGHTS[0] + image[..., 1] * _WEIGHTS[1] + image[..., 2] * _WEIGHTS[2]
