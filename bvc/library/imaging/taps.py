"""Which pixels a resized axis is made of, and their weights, as TensorFlow's image ops choose them.

Pixel centres lie at half-integers (reference: tests/reference/pp, README "resize").
"""

from __future__ import annotations

import functools
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64, Int

Method = Literal[
    "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"
]
METHODS: tuple[str, ...] = get_args(Method)
OVERSHOOTING: frozenset[str] = frozenset({"bicubic", "lanczos3", "lanczos5", "mitchellcubic"})
"""Methods with negative weights: what they make may leave the range of what they read."""

_RADIUS = {
    "bilinear": 1.0,
    "bicubic": 2.0,
    "lanczos3": 3.0,
    "lanczos5": 5.0,
    "gaussian": 1.5,
    "mitchellcubic": 2.0,
}
_STEP = 2.0**-15
"""A byte times a multiple of this is exact in float32, and so is a sum of such products up to 511."""

Taps = tuple[Int[np.ndarray, "size_out k"], Float32[np.ndarray, "size_out k"]]


def nearest_index(size_in: int, size_out: int) -> Int[np.ndarray, "size_out"]:
    """Which input position each output position copies: floor((i + 0.5) * in / out), in float32."""
    scale = np.float32(size_in) / np.float32(size_out)
    centres = (np.arange(size_out, dtype=np.float32) + np.float32(0.5)) * scale
    return np.minimum(np.floor(centres).astype(np.int64), size_in - 1)


@functools.lru_cache(maxsize=512)
def taps(size_in: int, size_out: int, method: Method, antialias: bool, stepped: bool = False) -> Taps:
    """Input positions and weights that make up each output position along one axis; any method but `nearest`.

    Args:
        size_in: positions of the input.
        size_out: positions of the output.
        method: how samples are interpolated.
        antialias: stretch the kernel where the axis shrinks; `area` doesn't look at it.
        stepped: weights as multiples of 2**-15 whose sum is exactly 1, so that equal bytes give exactly
            themselves, which truncation needs.
    """
    index, weight = _taps(size_in, size_out, method, antialias)
    return index, _stepped(weight) if stepped else weight


def _stepped(weight: Float32[np.ndarray, "size_out k"]) -> Float32[np.ndarray, "size_out k"]:
    steps = np.rint(weight / np.float32(_STEP))
    largest = np.abs(steps).argmax(axis=1)[:, None]
    rest = np.float32(1 / _STEP) - steps.sum(axis=1, keepdims=True)
    np.put_along_axis(steps, largest, np.take_along_axis(steps, largest, axis=1) + rest, axis=1)
    return steps * np.float32(_STEP)


def _taps(size_in: int, size_out: int, method: Method, antialias: bool) -> Taps:
    if method == "area":
        return _area_taps(size_in, size_out)
    if method == "bilinear" and not antialias:
        return _bilinear_taps(size_in, size_out)
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


def _bilinear_taps(size_in: int, size_out: int) -> Taps:
    """Two neighbours, in float32; beyond the border it repeats."""
    scale = np.float32(size_in) / np.float32(size_out)
    centre = (np.arange(size_out, dtype=np.float32) + np.float32(0.5)) * scale - np.float32(0.5)
    floor = np.floor(centre)
    index = np.stack([np.maximum(floor, 0), np.minimum(np.ceil(centre), size_in - 1)], axis=1)
    share = centre - floor
    return index.astype(np.int64), np.stack([np.float32(1) - share, share], axis=1)


def _area_taps(size_in: int, size_out: int) -> Taps:
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


def _bicubic_taps(size_in: int, size_out: int) -> Taps:
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
