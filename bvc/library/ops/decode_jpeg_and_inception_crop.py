"""Decode and crop in one."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from bvc.component import Encoded, Feature, component
from bvc.library.imaging.decode import decode_image, image_size
from bvc.library.imaging.resample import Method
from bvc.library.imaging.size import Size
from bvc.library.ops.inception_crop import InceptionCrop


@component("op")
class DecodeJpegAndInceptionCrop:
    """Decode an image and crop a window of random area and aspect: `decode` and `inception_crop` in one.

    big_vision (pp/ops_image.py) decodes only the window, which near the window's edges differs by some levels where
    the file holds fewer colours than pixels; here the window has the pixels of the whole image. What lies below it
    is not decoded, so damage there is not noticed.

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
        self.crop = InceptionCrop(size, area, ratio, method, antialias)

    def __call__(self, image: Encoded, rng: np.random.Generator) -> UInt8[np.ndarray, "_ _ 3"]:
        """The window, resized."""
        top, left, height, width = self.crop.draw(*image_size(image), rng)
        return self.crop.cut(decode_image(image, rows=top + height), (top, left, height, width))

    def typed(self, image: Feature) -> Feature:
        """The size that was asked for, or one that is not known."""
        return self.crop.typed(Feature("uint8", (*image.shape, "h", "w", 3)))
