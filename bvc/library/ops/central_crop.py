"""Crop the middle."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.library.imaging.size import Size, check_fits, height_and_width


@component("op")
class CentralCrop:
    """Crop the middle of an image (big_vision/pp/ops_image.py).

    Settings:
        crop_size: side of the square, or [height, width]; absent: the largest square
    """

    def __init__(self, crop_size: Size | None = None) -> None:
        self.crop = height_and_width(crop_size) if crop_size is not None else None
        self.height: Any = self.crop[0] if self.crop else "side"
        self.width: Any = self.crop[1] if self.crop else "side"

    def __call__(self, image: Num[np.ndarray, "h w c"]) -> Num[np.ndarray, "{height} {width} c"]:
        """The window."""
        h, w = image.shape[:2]
        height, width = self.crop or (min(h, w), min(h, w))
        check_fits((height, width), h, w)
        top, left = (h - height) // 2, (w - width) // 2
        return image[top : top + height, left : left + width]
