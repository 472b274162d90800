"""Decode an encoded image."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import UInt8

from bvc.component import Encoded, component
from bvc.library.imaging.decode import decode_image


@component("op")
def decode(
    image: Encoded, *, channels: Literal[1, 3, 4] = 3, precise: bool = False
) -> UInt8[np.ndarray, "h w {channels}"]:
    """Decode a JPEG, PNG, GIF (first frame), BMP or WebP file.

    EXIF orientation is ignored, alpha is dropped without blending, gray becomes three equal channels
    (big_vision/pp/ops_image.py).

    Settings:
        channels: 1 for gray, 3 for RGB, 4 for RGB and alpha
        precise: the accurate DCT, bit-equal to Pillow's, instead of the fast one
    """
    return decode_image(image, channels, precise)
