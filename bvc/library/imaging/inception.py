"""The window sampler of Inception crops, as TensorFlow's `sample_distorted_bounding_box` draws it."""

from __future__ import annotations

import math

import numpy as np

ATTEMPTS = 100


def sample_window(
    rng: np.random.Generator,
    height: int,
    width: int,
    area: tuple[float, float],
    aspect: tuple[float, float],
) -> tuple[int, int, int, int]:
    """A window of random area and aspect: top, left, height, width, in pixels.

    Per attempt the aspect is uniform in its range and the height uniform over the whole numbers that keep the area
    in its range; the last offset that would fit is never drawn. After 100 failures it is the whole image.

    Args:
        rng: source of the draws.
        height: rows of the image.
        width: columns of the image.
        area: least and most area, as shares of the image.
        aspect: least and most width / height.
    """
    least, most = area[0] * width * height, area[1] * width * height
    for _ in range(ATTEMPTS):
        for_ratio, for_height, for_top, for_left = rng.random(4).tolist()
        ratio = aspect[0] + for_ratio * (aspect[1] - aspect[0])
        found = _attempt(ratio, for_height, height, width, least, most)
        if found is not None:
            h, w = found
            return int(for_top * (height - h)), int(for_left * (width - w)), h, w
    return 0, 0, height, width


def _attempt(
    ratio: float,
    for_height: float,
    height: int,
    width: int,
    least: float,
    most: float,
) -> tuple[int, int] | None:
    """Height and width of a window; `for_height` in [0, 1) chooses among the heights that fit."""
    low = _nearest(math.sqrt(least / ratio))
    high = _nearest(math.sqrt(most / ratio))
    if _nearest(high * ratio) > width:
        high = int((width + 0.5 - 1e-7) / ratio)
        if _nearest(high * ratio) > width:
            high -= 1
    high = min(high, height)
    low = min(low, high)
    h = low + int(for_height * (high - low + 1))
    w = _nearest(h * ratio)
    if w * h < least:
        h += 1
        w = _nearest(h * ratio)
    if w * h > most:
        h -= 1
        w = _nearest(h * ratio)
    if not least <= w * h <= most or not 0 < w <= width or not 0 < h <= height:
        return None
    return h, w


def _nearest(value: float) -> int:
    """Half away from zero, for positive numbers."""
    return math.floor(value + 0.5)
