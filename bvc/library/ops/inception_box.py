"""Draw a window for several images."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Shaped

from bvc.component import component
from bvc.library.imaging.inception import sample_window
from bvc.library.imaging.size import check_range


@component("op", writes="box")
class InceptionBox:
    """Draw the window of an Inception crop (big_vision, uvim/pp_ops.py).

    It is [begin, size] of [y, x], relative to the image.

    Settings:
        area: least and most area of the window, as shares of the image
        aspect: least and most width / height of the window
    """

    def __init__(
        self, area: tuple[float, float] = (0.05, 1.0), aspect: tuple[float, float] = (0.75, 1.33)
    ) -> None:
        check_range("area", *area, 0.0, 1.0)
        check_range("aspect", *aspect, 1e-3, 1e3)
        self.area, self.aspect = area, aspect

    def __call__(
        self, image: Shaped[np.ndarray, "h w c"], rng: np.random.Generator
    ) -> Float32[np.ndarray, "2 2"]:
        """The window."""
        height, width = image.shape[:2]
        top, left, h, w = sample_window(rng, height, width, self.area, self.aspect)
        # the size is a difference of float32 corners, as TensorFlow's box has it: `crop_box` truncates what it rounds
        size = np.array((height, width), np.float32)
        begin = np.array((top, left), np.float32) / size
        end = np.array((top + h, left + w), np.float32) / size
        return np.stack([begin, end - begin])
