"""Resize so that the smaller side has a given length."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.component.annotation import Count
from bvc.library.imaging.resample import Method, Window, resample
from bvc.library.imaging.size import scaled


@component("op")
class ResizeSmall:
    """Resize so that the smaller side has this length; the aspect stays (big_vision/pp/ops_image.py).

    Settings:
        smaller_size: length of the smaller side, in pixels
        method: how values between pixels are computed
        antialias: widen the kernel where the image shrinks
    """

    def __init__(self, smaller_size: Count, method: Method = "area", antialias: bool = False) -> None:
        self.smaller_size = smaller_size
        self.method: Method = method
        self.antialias = antialias

    def __call__(self, image: Num[np.ndarray, "h w c"]) -> Num[np.ndarray, "height width c"]:
        """The resized image."""
        return self.window(image, None)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what an image of this size becomes."""
        return scaled(height, width, self.smaller_size, min(height, width))

    def window(
        self, image: Num[np.ndarray, "h w c"], window: Window | None
    ) -> Num[np.ndarray, "rows columns c"]:
        """A window of the resized image."""
        return resample(image, *self.size(*image.shape[:2]), self.method, self.antialias, window)
