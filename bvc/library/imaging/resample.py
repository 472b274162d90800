"""Resizing as TensorFlow's image ops resize, per axis, in numpy.

Pixel centres lie at half-integers. Every method works in float32; an integer image is clipped to its range and
truncated, not rounded (reference: tests/reference/pp, README "resize").
"""

from __future__ import annotations

import functools
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64, Int, Num

Method = Literal[
    "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"
]
METHODS: tuple[str, ...] = get_args(Method)

_RADIUS = {
    "bilinear": 1.0,
    "bicubic": 2.0,
    "lanczos3": 3.0,
    "lanczos5": 5.0,
    "gaussian": 1.5,
    "mitchellcubic": 2.0,
}


Window = tuple[int, int, int, int]
"""Top, left, height and width, in pixels."""


def resample(
    image: Num[np.ndarray, "*batch h w c"],
    height: int,
    width: int,
    method: Method,
    antialias: bool,
    window: Window | None = None,
) -> Num[np.ndarray, "*batch rows columns c"]:
    """`image` at another size, of the same dtype; or a window of that, for what the window costs.

    Args:
        image: pixels; leading dims are a batch of images.
        height: rows of the whole result.
        width: columns of the whole result.
        method: how samples are interpolated.
        antialias: stretch the kernel where the image shrinks; `area` and `nearest` don't look at it.
        window: the part of the result that is wanted; None: all of it.
    """
    top, left, h, w = window or (0, 0, height, width)
    rows, columns = slice(top, top + h), slice(left, left + w)
    if image.shape[-3:-1] == (height, width):
        return image[..., rows, columns, :]
    if method == "nearest":
        row, column = (
            nearest_index(image.shape[-3], height)[rows],
            nearest_index(image.shape[-2], width)[columns],
        )
        return image[..., row[:, None], column[None, :], :]
    if method == "bilinear" and not antialias:
        resized = _lerp(_lerp(image, height, -3, rows), width, -2, columns)
    else:
        resized = _weigh(
            _weigh(image, height, -3, rows, method, antialias), width, -2, columns, method, antialias
        )
    return _cast(resized, image.dtype)


def nearest_index(size_in: int, size_out: int) -> Int[np.ndarray, "size_out"]:
    """Which input position each output position copies: floor((i + 0.5) * in / out), in float32."""
    scale = np.float32(size_in) / np.float32(size_out)
    centres = (np.arange(size_out, dtype=np.float32) + np.float32(0.5)) * scale
    return np.minimum(np.floor(centres).astype(np.int64), size_in - 1)


@functools.lru_cache(maxsize=512)
def taps(
    size_in: int, size_out: int, method: Method, antialias: bool
) -> tuple[Int[np.ndarray, "size_out k"], Float32[np.ndarray, "size_out k"]]:
    """Input positions and weights that make up each output position along one axis."""
    if method == "area":
        return _area_taps(size_in, size_out)
    if method == "bicubic" and not antialias:
        return _bicubic_taps(size_in, size_out)
    scale = size_in / size_out
    stretch = max(1.0, scale) if antialias else 1.0
    radius = _RADIUS[method] * stretch
    centre = (np.arange(size_out) + 0.5) * scale
    first = np.maximum(np.ceil(centre - radius - 0.5), 0).astype(np.int64)
    last = np.minimum(np.floor(centre + radius - 0.5), size_in - 1).astype(np.int64)
    index = first[:, None] + np.arange(int((last - first).max()) + 1)[None, :]
    weight = _kernel(method, (index + 0.5 - centre[:, None]) / stretch)
    weight = np.where(index <= last[:, None], weight, 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.minimum(index, size_in - 1), weight.astype(np.float32)


def _area_taps(
    size_in: int, size_out: int
) -> tuple[Int[np.ndarray, "size_out k"], Float32[np.ndarray, "size_out k"]]:
    """The exact average over the box that an output position covers, with fractional overlaps."""
    scale = size_in / size_out
    begin = np.arange(size_out) * scale
    end = np.minimum(begin + scale, size_in)
    first = np.floor(begin).astype(np.int64)
    count = int(np.max(np.ceil(end).astype(np.int64) - first))
    index = first[:, None] + np.arange(count)[None, :]
    covered = np.minimum(index + 1, end[:, None]) - np.maximum(index, begin[:, None])
    weight = np.maximum(covered, 0.0) / scale
    return np.minimum(index, size_in - 1), weight.astype(np.float32)


def _bicubic_taps(
    size_in: int, size_out: int
) -> tuple[Int[np.ndarray, "size_out 4"], Float32[np.ndarray, "size_out 4"]]:
    """Keys' kernel at phases of 1/1024; taps outside the image weigh nothing and the rest is renormalized."""
    centre = (np.arange(size_out) + 0.5) * (size_in / size_out) - 0.5
    base = np.floor(centre).astype(np.int64)
    phase = np.floor((centre - base) * 1024 + 0.5) / 1024
    index = base[:, None] + np.arange(-1, 3)[None, :]
    weight = _kernel("bicubic", np.arange(-1, 3)[None, :] - phase[:, None])
    weight = np.where((index >= 0) & (index < size_in), weight, 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.clip(index, 0, size_in - 1), weight.astype(np.float32)


def _kernel(method: str, x: Float64[np.ndarray, "*dims"]) -> Float64[np.ndarray, "*dims"]:
    x = np.abs(x)
    if method == "bilinear":
        return np.maximum(0.0, 1.0 - x)
    if method == "bicubic":
        return _cubic(x, 0.0, 0.5)
    if method == "mitchellcubic":
        return _cubic(x, 1 / 3, 1 / 3)
    if method == "gaussian":
        return np.where(x < 1.5, np.exp(-(x**2) / (2 * 0.5**2)), 0.0)
    radius = _RADIUS[method]
    return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0.0)


def _cubic(x: Float64[np.ndarray, "*dims"], b: float, c: float) -> Float64[np.ndarray, "*dims"]:
    """The two-parameter cubic of Mitchell and Netravali; b=0, c=1/2 is Keys' kernel with a=-1/2."""
    near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
    far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0)) / 6


def _lerp(
    image: Num[np.ndarray, "*dims"], size: int, axis: Literal[-3, -2], part: slice
) -> Float32[np.ndarray, "*resized"]:
    """Linear interpolation between two neighbours; written so that equal neighbours give exactly themselves."""
    size_in = image.shape[axis]
    if size_in == size:
        return _along(image, axis, part).astype(np.float32)
    scale = np.float32(size_in) / np.float32(size)
    centre = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    floor = np.floor(centre)
    lower = np.maximum(floor, 0).astype(np.int64)[part]
    upper = np.minimum(np.ceil(centre), size_in - 1).astype(np.int64)[part]
    share = (centre - floor)[part].reshape((-1,) + (1,) * (-axis - 1))
    low = np.take(image, lower, axis, mode="clip").astype(np.float32)
    high = np.take(image, upper, axis, mode="clip").astype(np.float32)
    high -= low
    high *= share
    high += low
    return high


def _weigh(
    image: Num[np.ndarray, "*dims"],
    size: int,
    axis: Literal[-3, -2],
    part: slice,
    method: Method,
    antialias: bool,
) -> Float32[np.ndarray, "*resized"]:
    if image.shape[axis] == size:
        return _along(image, axis, part).astype(np.float32)
    index, weight = taps(image.shape[axis], size, method, antialias)
    index, weight = index[part], weight[part]
    # with columns and channels joined, every pass runs over long rows
    spread = weight[:, :, None] if axis == -3 else np.repeat(weight, image.shape[-1], axis=0)
    total = _joined(np.take(image, index[:, 0], axis, mode="clip"))
    total *= spread[:, 0]
    for k in range(1, index.shape[1]):
        tap = _joined(np.take(image, index[:, k], axis, mode="clip"))
        tap *= spread[:, k]
        total += tap
    return total.reshape(*total.shape[:-1], -1, image.shape[-1])


def _joined(image: Num[np.ndarray, "*batch h w c"]) -> Float32[np.ndarray, "*batch h wc"]:
    return image.reshape(*image.shape[:-2], -1).astype(np.float32, copy=False)


def _along(image: Num[np.ndarray, "*dims"], axis: Literal[-3, -2], part: slice) -> Num[np.ndarray, "*part"]:
    return image[..., part, :, :] if axis == -3 else image[..., part, :]


def _cast(image: Float32[np.ndarray, "*dims"], dtype: np.dtype[np.generic]) -> Num[np.ndarray, "*dims"]:
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype.type)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return np.clip(image, limits.min, limits.max).astype(dtype)
    return image.astype(dtype, copy=False)
