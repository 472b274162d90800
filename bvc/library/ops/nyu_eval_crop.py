"""The part of NYU Depth v2's images that is evaluated."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from jaxtyping import Float32, Num

from bvc.component import component

_ROWS, _COLUMNS = slice(54, 54 + 426), slice(41, 41 + 560)


class Cropped(TypedDict):
    """Image and depth."""

    image: Num[np.ndarray, "426 560 3"]
    labels: Float32[np.ndarray, "426 560 1"]


@component("op")
class NyuEvalCrop:
    """Cut image and depth of 480 x 640 pixels to the 426 x 560 that are evaluated (big_vision, uvim/pp_ops.py)."""

    def __call__(
        self, image: Num[np.ndarray, "480 640 3"], labels: Float32[np.ndarray, "480 640 1"]
    ) -> Cropped:
        """Both, cut."""
        return {"image": image[_ROWS, _COLUMNS], "labels": labels[_ROWS, _COLUMNS]}
