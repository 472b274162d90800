"""Resize so that the longer side has a given length."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import DataError, component
from bvc.component.annotation import Count
from bvc.library.imaging.resample import Method, Window, resample
from bvc.library.imaging.size import scaled


@component("op")
class ResizeLong:
    """Resize so that the longer side has this length; the aspect stays (big_vision/pp/ops_image.py).

    Settings:
        longer_size: length of the longer side, in pixels
        method: how values between pixels are computed
        antialias: widen the kernel where the image shrinks
    """

    def __init__(self, longer_size: Count, method: Method = "area", antialias: bool = True) -> None:
        self.longer_size = longer_size
        self.method: Method = method
        self.antialias = antialias

    def __call__(self, image: Num[np.ndarray, "h w c"]) -> Num[np.ndarray, "height width c"]:
        """The resized image."""
        return self.window(image, None)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what an image of this size becomes."""
        found = scaled(height, width, self.longer_size, max(height, width))
        if min(found) == 0:
            longer = self.longer_size
            raise DataError(
                f"an image of {height} x {width} pixels leaves nothing when its longer side is {longer}"
            )
        return found

    def window(
        self, image: Num[np.ndarray, "h w c"], window: Window | None
    ) -> Num[np.ndarray, "rows columns c"]:
        """A window of the resized image."""
        return resample(image, *self.size(*image.shape[:2]), self.method, self.antialias, window)
