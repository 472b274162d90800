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
        found = _attempt(rng, height, width, least, most, aspect)
        if found is not None:
            h, w = found
            top = int(rng.integers(height - h)) if h < height else 0
            left = int(rng.integers(width - w)) if w < width else 0
            return top, left, h, w
    return 0, 0, height, width


def _attempt(
    rng: np.random.Generator,
    height: int,
    width: int,
    least: float,
    most: float,
    aspect: tuple[float, float],
) -> tuple[int, int] | None:
    ratio = float(rng.uniform(*aspect))
    low = _nearest(math.sqrt(least / ratio))
    high = _nearest(math.sqrt(most / ratio))
    if _nearest(high * ratio) > width:
        high = int((width + 0.5 - 1e-7) / ratio)
        if _nearest(high * ratio) > width:
            high -= 1
    high = min(high, height)
    low = min(low, high)
    h = low + (int(rng.integers(high - low + 1)) if low < high else 0)
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
