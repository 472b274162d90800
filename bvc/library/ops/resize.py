"""Resize to a given size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.library.imaging.resample import Method, Window, resample
from bvc.library.imaging.size import Size, height_and_width


@component("op")
class Resize:
    """Resize an image, or a batch of images, to a fixed size, whatever its aspect.

    The dtype stays; integers are clipped and truncated (big_vision/pp/ops_image.py).

    Settings:
        size: side of the square, or [height, width], in pixels
        method: how values between pixels are computed
        antialias: widen the kernel where the image shrinks
    """

    def __init__(self, size: Size, method: Method = "bilinear", antialias: bool = False) -> None:
        self.height, self.width = height_and_width(size)
        self.method: Method = method
        self.antialias = antialias

    def __call__(
        self, image: Num[np.ndarray, "*batch h w c"]
    ) -> Num[np.ndarray, "*batch {self.height} {self.width} c"]:
        """The resized image."""
        return self.window(image, None)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what an image of this size becomes."""
        return self.height, self.width

    def window(
        self, image: Num[np.ndarray, "*batch h w c"], window: Window | None
    ) -> Num[np.ndarray, "*batch rows columns c"]:
        """A window of the resized image."""
        return resample(image, self.height, self.width, self.method, self.antialias, window)
