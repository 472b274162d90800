"""Normalize by the statistics of ImageNet."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Num

from bvc.component import component

Channels = tuple[float, float, float]


@component("op")
class VggValueRange:
    """Subtract the mean of ImageNet's images and divide by their standard deviation (big_vision/pp/ops_image.py).

    Settings:
        mean: of red, green and blue, in 0 to 255
        std: of red, green and blue, in 0 to 255
    """

    pointwise = True
    """Each value depends on one value and its channel: a table can say it."""

    def __init__(
        self,
        *,
        mean: Channels = (0.485 * 255, 0.456 * 255, 0.406 * 255),
        std: Channels = (0.229 * 255, 0.224 * 255, 0.225 * 255),
    ) -> None:
        self.mean, self.std = np.asarray(mean, np.float32), np.asarray(std, np.float32)

    def __call__(self, image: Num[np.ndarray, "*dims 3"]) -> Float32[np.ndarray, "*dims 3"]:
        """The normalized values."""
        return (image.astype(np.float32) - self.mean) / self.std
