"""Normalize by the statistics of CLIP."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Num

from bvc.component import component

_MEAN = np.array((0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255), np.float32)
_STD = np.array((0.26862954 * 255, 0.26130258 * 255, 0.27577711 * 255), np.float32)


@component("op")
def clip_value_range(image: Num[np.ndarray, "*dims 3"]) -> Float32[np.ndarray, "*dims 3"]:
    """Subtract the mean of CLIP's training images and divide by their standard deviation (arXiv:2103.00020)."""
    return (image.astype(np.float32) - _MEAN) / _STD
