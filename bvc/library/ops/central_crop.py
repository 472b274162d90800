"""Crop the middle."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import Feature, component
from bvc.library.imaging.resample import Window
from bvc.library.imaging.size import Size, check_fits, height_and_width


@component("op")
class CentralCrop:
    """Crop the middle of an image (big_vision/pp/ops_image.py).

    Settings:
        crop_size: side of the square, or [height, width]; absent: the largest square
    """

    def __init__(self, crop_size: Size | None = None) -> None:
        self.crop = height_and_width(crop_size) if crop_size is not None else None

    def __call__(self, image: Num[np.ndarray, "h w c"]) -> Num[np.ndarray, "_ _ c"]:
        """The window."""
        top, left, height, width = self.place(*image.shape[:2])
        return image[top : top + height, left : left + width]

    def place(self, height: int, width: int) -> Window:
        """The window that is kept of an image of this size."""
        kept = self.crop or (min(height, width), min(height, width))
        check_fits(kept, height, width)
        return (height - kept[0]) // 2, (width - kept[1]) // 2, *kept

    def typed(self, image: Feature) -> Feature:
        """The size that was asked for; without it a square whose side is not known."""
        height, width = self.crop or ("side", "side")
        return Feature(image.dtype, (height, width, image.shape[2]))
