"""Crop a window at a random place."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.library.imaging.resample import Window
from bvc.library.imaging.size import Size, check_fits, height_and_width


@component("op")
class RandomCrop:
    """Crop a window whose place is uniform over all that lie inside the image (big_vision/pp/ops_image.py).

    Settings:
        crop_size: side of the square, or [height, width]
    """

    def __init__(self, crop_size: Size) -> None:
        self.height, self.width = height_and_width(crop_size)

    def __call__(
        self, image: Num[np.ndarray, "h w c"], rng: np.random.Generator
    ) -> Num[np.ndarray, "{self.height} {self.width} c"]:
        """The window."""
        top, left, height, width = self.place(image.shape[0], image.shape[1], rng)
        return image[top : top + height, left : left + width]

    def place(self, height: int, width: int, rng: np.random.Generator) -> Window:
        """The window that is kept of an image of this size."""
        check_fits((self.height, self.width), height, width)
        top = int(rng.integers(height - self.height + 1))
        left = int(rng.integers(width - self.width + 1))
        return top, left, self.height, self.width
