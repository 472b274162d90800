"""Normalize by the statistics of CLIP."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Num

from bvc.component import component

_MEAN = np.array((0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255), np.float32)
_STD = np.array((0.26862954 * 255, 0.26130258 * 255, 0.27577711 * 255), np.float32)


@component("op")
class ClipValueRange:
    """Subtract the mean of CLIP's training images and divide by their standard deviation (arXiv:2103.00020)."""

    pointwise = True
    """Each value depends on one value and its channel: a table can say it."""

    def __call__(self, image: Num[np.ndarray, "*dims 3"]) -> Float32[np.ndarray, "*dims 3"]:
        """The normalized values."""
        return (image.astype(np.float32) - _MEAN) / _STD
