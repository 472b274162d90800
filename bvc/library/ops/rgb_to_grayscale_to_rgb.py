"""Gray in three channels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.library.imaging.gray import gray


@component("op")
def rgb_to_grayscale_to_rgb(image: Num[np.ndarray, "h w 3"]) -> Num[np.ndarray, "h w 3"]:
    """The luma of an image in all three channels (big_vision, uvim/pp_ops.py)."""
    return np.repeat(gray(image)[..., None], 3, axis=2)
