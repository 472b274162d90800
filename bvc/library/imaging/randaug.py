"""The sixteen operations of RandAugment and AutoAugment, as big_vision's `autoaugment.py` computes them.

All take and return uint8 pixels. Its quirks are kept, since recipes were tuned with them
(reference: tests/reference/pp, README "RandAugment").
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, UInt8

Image = UInt8[np.ndarray, "h w c"]
FILL = 128
_LUMA = np.array([0.2989, 0.587, 0.114], np.float32)


def autocontrast(image: Image) -> Image:
    """Stretch every channel to the full range, truncating; a flat channel stays."""
    low = image.min(axis=(0, 1)).astype(np.float32)
    high = image.max(axis=(0, 1)).astype(np.float32)
    flat = high <= low
    scale = np.float32(255) / np.where(flat, np.float32(1), high - low)
    offset = -low * scale
    levels = np.arange(256, dtype=np.float32)[:, None] * scale + offset
    table = np.clip(levels, 0, 255).astype(np.uint8)
    table[:, flat] = np.arange(256, dtype=np.uint8)[:, None]
    return _look_up(image, table)


def equalize(image: Image) -> Image:
    """Flatten the histogram of every channel; a channel of one step stays."""
    channels = image.shape[2]
    table = np.empty((256, channels), np.uint8)
    for channel in range(channels):
        table[:, channel] = _equalizing(np.bincount(image[..., channel].ravel(), minlength=256))
    return _look_up(image, table)


def invert(image: Image) -> Image:
    """255 minus each value."""
    return 255 - image


def posterize(image: Image, bits: int) -> Image:
    """Keep the highest bits; 0 and more than 8 act like 1."""
    shift = np.uint8(8 - bits if 1 <= bits <= 8 else 7)
    return (image >> shift) << shift


def solarize(image: Image, threshold: int) -> Image:
    """Invert values from the threshold on; the threshold is taken modulo 256."""
    return np.where(image < threshold % 256, image, 255 - image)


def solarize_add(image: Image, addition: int, threshold: int = 128) -> Image:
    """Add to values below the threshold, clipped."""
    added = np.clip(image.astype(np.int64) + addition, 0, 255).astype(np.uint8)
    return np.where(image < threshold, added, image)


def color(image: Image, factor: float) -> Image:
    """Blend with the gray image: 0 is gray, 1 the image, above 1 more colourful."""
    return blend(_gray(image), image, factor)


def contrast(image: Image, factor: float) -> Image:
    """Blend with one gray, which is not the mean but the number of pixels over 256, at most 255."""
    level = min(np.float32(image.shape[0] * image.shape[1]) / np.float32(256), 255.0)
    return blend(np.full_like(image, np.uint8(level)), image, factor)


def brightness(image: Image, factor: float) -> Image:
    """Blend with black."""
    return blend(np.zeros_like(image), image, factor)


def sharpness(image: Image, factor: float) -> Image:
    """Blend with the image smoothed by a 3x3 kernel; its border is not touched."""
    if min(image.shape[:2]) < 3:
        return image
    wide = image.astype(np.float32)
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    total += np.float32(4) * wide[1:-1, 1:-1]
    smooth = image.copy()
    smooth[1:-1, 1:-1] = np.clip(total / np.float32(13), 0, 255).astype(np.uint8)
    return blend(smooth, image, factor)


def rotate(image: Image, degrees: float) -> Image:
    """Rotate about the centre, counter-clockwise for positive degrees."""
    height, width = image.shape[:2]
    radians = np.float32(degrees * math.pi / 180.0)
    cos, sin = np.cos(radians), np.sin(radians)
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    x_offset = (right - (cos * right - sin * bottom)) / np.float32(2)
    y_offset = (bottom - (sin * right + cos * bottom)) / np.float32(2)
    return _transform(image, (cos, -sin, x_offset), (sin, cos, y_offset))


def shear_x(image: Image, level: float) -> Image:
    """Output pixel (x, y) shows input pixel (x + level * y, y)."""
    return _transform(image, (1.0, level, 0.0), (0.0, 1.0, 0.0))


def shear_y(image: Image, level: float) -> Image:
    """Output pixel (x, y) shows input pixel (x, y + level * x)."""
    return _transform(image, (1.0, 0.0, 0.0), (level, 1.0, 0.0))


def translate_x(image: Image, pixels: float) -> Image:
    """Output pixel (x, y) shows input pixel (x + pixels, y)."""
    return _transform(image, (1.0, 0.0, pixels), (0.0, 1.0, 0.0))


def translate_y(image: Image, pixels: float) -> Image:
    """Output pixel (x, y) shows input pixel (x, y + pixels)."""
    return _transform(image, (1.0, 0.0, 0.0), (0.0, 1.0, pixels))


def cutout(image: Image, half: int, centre: tuple[int, int], fill: int = FILL) -> Image:
    """Fill rows and columns [centre - half, centre + half), clipped at the border."""
    row, column = centre
    cut = image.copy()
    cut[max(row - half, 0) : max(row + half, 0), max(column - half, 0) : max(column + half, 0)] = fill
    return cut


def blend(first: Image, second: Image, factor: float) -> Image:
    """First + factor * (second - first) in float32, truncated; clipped only where the factor lies outside (0, 1)."""
    if factor == 0.0:
        return first
    if factor == 1.0:
        return second
    mixed = first.astype(np.float32)
    mixed += np.float32(factor) * (second.astype(np.float32) - mixed)
    if not 0.0 < factor < 1.0:
        np.clip(mixed, 0, 255, out=mixed)
    return mixed.astype(np.uint8)


def _equalizing(histogram: np.ndarray) -> UInt8[np.ndarray, "256"]:
    last = histogram[np.flatnonzero(histogram)[-1]]
    step = (int(histogram.sum()) - int(last)) // 255
    if step == 0:
        return np.arange(256, dtype=np.uint8)
    table = (np.cumsum(histogram) + step // 2) // step
    return np.clip(np.concatenate([[0], table[:-1]]), 0, 255).astype(np.uint8)


def _look_up(image: Image, table: UInt8[np.ndarray, "256 c"]) -> Image:
    return np.stack([table[:, channel][image[..., channel]] for channel in range(image.shape[2])], axis=-1)


def _gray(image: Image) -> Image:
    """Luma over x/255 in float32, times 255.5, truncated, in every channel."""
    scaled: Float32[np.ndarray, "h w c"] = image.astype(np.float32) * np.float32(1 / 255)
    luma = scaled[..., 0] * _LUMA[0] + scaled[..., 1] * _LUMA[1] + scaled[..., 2] * _LUMA[2]
    gray = np.clip(luma * np.float32(255.5), 0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def _transform(
    image: Image,
    x_row: tuple[float | np.floating, float | np.floating, float | np.floating],
    y_row: tuple[float | np.floating, float | np.floating, float | np.floating],
) -> Image:
    """Nearest sampling at an affine map of output positions, rounding half away from zero; outside is gray."""
    height, width = image.shape[:2]
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    columns = _round(np.float32(x_row[0]) * x + np.float32(x_row[1]) * y + np.float32(x_row[2]))
    rows = _round(np.float32(y_row[0]) * x + np.float32(y_row[1]) * y + np.float32(y_row[2]))
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    flat = np.where(inside, rows * width + columns, 0)
    moved = image.reshape(height * width, -1)[flat]
    moved[~inside] = FILL
    return moved


def _round(position: Float32[np.ndarray, "h w"]) -> np.ndarray:
    return np.trunc(position + np.copysign(np.float32(0.5), position)).astype(np.int64)
