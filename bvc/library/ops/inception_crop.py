"""Crop a window of random area and aspect, and resize it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import Feature, component
from bvc.library.imaging.inception import sample_window
from bvc.library.imaging.resample import Method, Window, resample
from bvc.library.imaging.size import Size, check_range, height_and_width


@component("op")
class InceptionCrop:
    """Crop a window of random area and aspect, and resize it (arXiv:1409.4842; big_vision/pp/ops_image.py).

    Settings:
        size: side of the square, or [height, width]; absent: the window is not resized
        area: least and most area of the window, in percent of the image
        ratio: least and most width / height of the window
        method: how values between pixels are computed
        antialias: widen the kernel where the window shrinks
    """

    def __init__(
        self,
        size: Size | None = None,
        area: tuple[float, float] = (5.0, 100.0),
        ratio: tuple[float, float] = (0.75, 1.33),
        method: Method = "bilinear",
        antialias: bool = False,
    ) -> None:
        check_range("area", *area, 0.0, 100.0)
        check_range("ratio", *ratio, 1e-3, 1e3)
        self.size = height_and_width(size) if size is not None else None
        self.area = (area[0] / 100, area[1] / 100)
        self.ratio = ratio
        self.method: Method = method
        self.antialias = antialias

    def __call__(self, image: Num[np.ndarray, "h w c"], rng: np.random.Generator) -> Num[np.ndarray, "_ _ c"]:
        """The window, resized."""
        height, width = image.shape[:2]
        return self.cut(image, self.draw(height, width, rng))

    def draw(self, height: int, width: int, rng: np.random.Generator) -> Window:
        """The window that is cut out of an image of this size."""
        return sample_window(rng, height, width, self.area, self.ratio)

    def cut(self, image: Num[np.ndarray, "h w c"], window: Window) -> Num[np.ndarray, "_ _ c"]:
        """A window, resized."""
        top, left, h, w = window
        pixels = image[top : top + h, left : left + w]
        return resample(pixels, *self.size, self.method, self.antialias) if self.size else pixels

    def typed(self, image: Feature) -> Feature:
        """The size that was asked for, or one that is not known."""
        height, width = self.size or ("crop_h", "crop_w")
        return Feature(image.dtype, (height, width, image.shape[2]))
