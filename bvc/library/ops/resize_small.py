"""Resize so that the smaller side has a given length."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.component.annotation import Count
from bvc.library.imaging.resample import Method, resample
from bvc.library.imaging.size import scaled


@component("op")
def resize_small(
    image: Num[np.ndarray, "h w c"],
    smaller_size: Count,
    method: Method = "area",
    antialias: bool = False,
) -> Num[np.ndarray, "height width c"]:
    """Resize so that the smaller side has this length; the aspect stays (big_vision/pp/ops_image.py).

    Settings:
        smaller_size: length of the smaller side, in pixels
        method: how values between pixels are computed
        antialias: widen the kernel where the image shrinks
    """
    h, w = image.shape[:2]
    return resample(image, *scaled(h, w, smaller_size, min(h, w)), method, antialias)
