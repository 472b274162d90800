"""Resize so that the longer side has a given length."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import DataError, component
from bvc.component.annotation import Count
from bvc.library.imaging.resample import Method, resample
from bvc.library.imaging.size import scaled


@component("op")
def resize_long(
    image: Num[np.ndarray, "h w c"],
    longer_size: Count,
    method: Method = "area",
    antialias: bool = True,
) -> Num[np.ndarray, "height width c"]:
    """Resize so that the longer side has this length; the aspect stays (big_vision/pp/ops_image.py).

    Settings:
        longer_size: length of the longer side, in pixels
        method: how values between pixels are computed
        antialias: widen the kernel where the image shrinks
    """
    h, w = image.shape[:2]
    height, width = scaled(h, w, longer_size, max(h, w))
    if min(height, width) == 0:
        raise DataError(f"an image of {h} x {w} pixels leaves nothing when its longer side is {longer_size}")
    return resample(image, height, width, method, antialias)
