"""The sixteen operations of RandAugment and AutoAugment, as big_vision's `autoaugment.py` computes them.

All take and return uint8 pixels. Its quirks are kept, since recipes were tuned with them
(reference: tests/reference/pp, README "RandAugment"). Arithmetic on whole arrays is faster here than a table.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import PIL.Image
from jaxtyping import Float32, Int32, UInt8

from bvc.library.imaging.gray import gray

Image = UInt8[np.ndarray, "h w c"]
FILL = 128
_MOST_KEPT = 512 * 512
"""Maps of larger images are not kept."""


def autocontrast(image: Image) -> Image:
    """Stretch every channel to the full range, truncating; a flat channel stays."""
    height, width, channels = image.shape
    rows = image.reshape(height, width * channels)
    low = rows.min(axis=0).reshape(width, channels).min(axis=0).astype(np.float32)
    high = rows.max(axis=0).reshape(width, channels).max(axis=0).astype(np.float32)
    flat = high <= low
    scale = np.where(flat, np.float32(1), np.float32(255) / np.where(flat, np.float32(1), high - low))
    offset = np.where(flat, np.float32(0), -low * scale)
    stretched = rows.astype(np.float32)
    stretched *= np.tile(scale, width)
    stretched += np.tile(offset, width)
    return _bytes(stretched).reshape(image.shape)


def equalize(image: Image) -> Image:
    """Flatten the histogram of every channel; a channel of one step stays."""
    picture = PIL.Image.fromarray(image)
    histograms = np.array(picture.histogram(), np.int64).reshape(-1, 256)
    tables = np.concatenate([_equalizing(histogram) for histogram in histograms])
    return np.asarray(picture.point(tables.tolist()))


def invert(image: Image) -> Image:
    """255 minus each value."""
    return 255 - image


def posterize(image: Image, bits: int) -> Image:
    """Keep the highest bits; 0 and more than 8 act like 1."""
    shift = np.uint8(8 - bits if 1 <= bits <= 8 else 7)
    return image & (np.uint8(255) >> shift << shift)


def solarize(image: Image, threshold: int) -> Image:
    """Invert values from the threshold on; the threshold is taken modulo 256."""
    return image ^ (image >= np.uint8(threshold % 256)) * np.uint8(255)


def solarize_add(image: Image, addition: int, threshold: int = 128) -> Image:
    """Add to values below the threshold, clipped."""
    added = image.astype(np.int16)
    added += np.int16(max(-255, min(addition, 255)))
    added = np.clip(added, 0, 255, out=added).astype(np.uint8)
    # modulo 256, which a difference and its sum are both
    return image + (added - image) * (image < threshold)


def color(image: Image, factor: float) -> Image:
    """Blend with the gray image: 0 is gray, 1 the image, above 1 more colourful."""
    luma = gray(image)
    return blend(np.stack([luma] * 3, axis=2), image, factor)


def contrast(image: Image, factor: float) -> Image:
    """Blend with one gray, which is not the mean but the number of pixels over 256, at most 255."""
    level = min(image.shape[0] * image.shape[1] // 256, 255)
    return blend(np.full_like(image, level), image, factor)


def brightness(image: Image, factor: float) -> Image:
    """Blend with black."""
    return blend(np.zeros_like(image), image, factor)


def sharpness(image: Image, factor: float) -> Image:
    """Blend with the image smoothed by a 3x3 kernel; its border is not touched."""
    if min(image.shape[:2]) < 3:
        return image
    wide = image.astype(np.uint16)
    rows = wide[:-2] + wide[1:-1]
    rows += wide[2:]
    total = rows[:, :-2] + rows[:, 1:-1]
    total += rows[:, 2:]
    total += wide[1:-1, 1:-1] << np.uint16(2)
    smooth = image.copy()
    smooth[1:-1, 1:-1] = total // np.uint16(13)
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
    if pixels == int(pixels):
        return _moved(image, -int(pixels), 0)
    return _transform(image, (1.0, 0.0, pixels), (0.0, 1.0, 0.0))


def translate_y(image: Image, pixels: float) -> Image:
    """Output pixel (x, y) shows input pixel (x, y + pixels)."""
    if pixels == int(pixels):
        return _moved(image, 0, -int(pixels))
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
    base = first.astype(np.float32)
    mixed = second.astype(np.float32)
    mixed -= base
    mixed *= np.float32(factor)
    mixed += base
    return mixed.astype(np.uint8) if 0.0 < factor < 1.0 else _bytes(mixed)


def _bytes(values: Float32[np.ndarray, "*dims"]) -> UInt8[np.ndarray, "*dims"]:
    """Clipped, in place, and truncated."""
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _equalizing(histogram: np.ndarray) -> UInt8[np.ndarray, "256"]:
    last = histogram[np.flatnonzero(histogram)[-1]]
    step = (int(histogram.sum()) - int(last)) // 255
    if step == 0:
        return np.arange(256, dtype=np.uint8)
    table = (np.cumsum(histogram) + step // 2) // step
    return np.clip(np.concatenate([[0], table[:-1]]), 0, 255).astype(np.uint8)


Row = tuple[float | np.floating, float | np.floating, float | np.floating]


def _transform(image: Image, x_row: Row, y_row: Row) -> Image:
    """Nearest sampling at an affine map of output positions, rounding half away from zero; outside is gray."""
    height, width, channels = image.shape
    positions = _kept_positions if height * width <= _MOST_KEPT else _positions
    gray_behind = np.concatenate([image.reshape(-1, channels), np.full((1, channels), FILL, np.uint8)])
    return gray_behind.take(positions(x_row, y_row, height, width), axis=0, mode="clip")


def _positions(x_row: Row, y_row: Row, height: int, width: int) -> Int32[np.ndarray, "h w"]:
    """The number of the pixel that each pixel shows; one behind the last where that lies outside."""
    columns, in_columns = _sampled(x_row, height, width, width)
    rows, in_rows = _sampled(y_row, height, width, height)
    return np.where(in_columns & in_rows, rows * np.int32(width) + columns, np.int32(height * width))


_kept_positions = functools.lru_cache(maxsize=32)(_positions)
"""A policy has few angles and slopes, and its images mostly one size."""


def _sampled(row: Row, height: int, width: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """One input coordinate of every output position, and whether it lies in an image of this size."""
    a, b, c = (np.float32(each) for each in row)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    position = a * x + b * y + c
    nearest = np.floor(position + np.float32(0.5)).astype(np.int32)
    return nearest, (position > np.float32(-0.5)) & (nearest < size)


def _moved(image: Image, right: int, down: int) -> Image:
    """The image moved by whole pixels; gray comes in."""
    height, width = image.shape[:2]
    moved = np.full_like(image, FILL)
    if abs(right) < width and abs(down) < height:
        to = (slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0)))
        from_ = (slice(max(-down, 0), height - max(down, 0)), slice(max(-right, 0), width - max(right, 0)))
        moved[to] = image[from_]
    return moved
