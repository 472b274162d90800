"""Resizing as TensorFlow's image ops resize, one axis after the other.

Every method works in float32; an integer image is clipped to its range and truncated, not rounded (reference:
tests/reference/pp, README "resize"). Each axis is a product with a sparse matrix of weights: scipy computes it
outside Python's lock and every value in the same order, so that a window of a result has the bits of the whole.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int, Num

from bvc.library.imaging.taps import METHODS as METHODS
from bvc.library.imaging.taps import OVERSHOOTING, Method, nearest_index, taps

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Window = tuple[int, int, int, int]
"""Top, left, height and width, in pixels."""

_CHUNK = 2048
"""Values of each row that are weighed at a time: what is held in float32 stays small, and in the cache."""
_STRIP = 128
"""Rows that are turned into columns at a time, for the cache too."""


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
    if image.shape[-3:-1] == (height, width):
        return image[..., top : top + h, left : left + w, :]
    if method == "nearest":
        row = nearest_index(image.shape[-3], height)[top : top + h]
        column = nearest_index(image.shape[-2], width)[left : left + w]
        return image[..., row[:, None], column[None, :], :]
    kernel = method, antialias, image.dtype.kind in "iu"
    down = _weights(image.shape[-3], height, top, h, 1, *kernel)
    across = _weights(image.shape[-2], width, left, w, image.shape[-1], *kernel)
    resized = np.empty((*image.shape[:-3], h, w, image.shape[-1]), image.dtype)
    for each, into in zip(
        image.reshape(-1, image.shape[-3], image.shape[-2] * image.shape[-1]),
        resized.reshape(-1, h, w * image.shape[-1]),
        strict=True,
    ):
        _resample(each[down.reads][:, across.reads], down, across, method, into)
    return resized


@dataclass(frozen=True, eq=False)
class _Weights:
    """What a part of an axis is made of: the weights of the input positions in `reads`; no matrix copies them."""

    reads: slice | Int[np.ndarray, "n"]
    matrix: csr_array | None


@functools.lru_cache(maxsize=1024)
def _weights(
    size_in: int,
    size_out: int,
    start: int,
    count: int,
    channels: int,
    method: Method,
    antialias: bool,
    stepped: bool,
) -> _Weights:
    """Of `count` output positions from `start` on, where a position holds `channels` values."""
    # takes a tenth of a second, which a spec that is only checked has no use for
    from scipy.sparse import csr_array

    if size_in == size_out:
        return _Weights(slice(start * channels, (start + count) * channels), None)
    index, weight = taps(size_in, size_out, method, antialias, stepped)
    index, weight = index[start : start + count], weight[start : start + count]
    index = (index[:, None, :] * channels + np.arange(channels)[:, None]).reshape(-1, index.shape[1])
    read = np.unique(index)
    first, last = int(read[0]), int(read[-1])
    # a copy of what is read pays where most is passed over
    scattered = 2 * len(read) <= last - first
    places = np.searchsorted(read, index) if scattered else index - first
    matrix = csr_array(
        (
            np.repeat(weight, channels, axis=0).ravel(),
            places.astype(np.int32).ravel(),
            np.arange(0, places.size + 1, places.shape[1], dtype=np.int32),
        ),
        shape=(len(places), len(read) if scattered else last + 1 - first),
    )
    matrix.eliminate_zeros()
    return _Weights(read if scattered else slice(first, last + 1), matrix)


def _resample(
    pixels: Num[np.ndarray, "h_in n_in"],
    down: _Weights,
    across: _Weights,
    method: Method,
    into: Num[np.ndarray, "h n"],
) -> None:
    """Weigh rows, then columns, where a column is one channel of one."""
    weighed = _down(down, pixels)
    if across.matrix is not None:
        weighed = across.matrix @ weighed
    if into.dtype.kind in "iu" and method in OVERSHOOTING:
        limits = np.iinfo(into.dtype)
        np.clip(weighed, limits.min, limits.max, out=weighed)
    for start in range(0, len(weighed), _STRIP):
        into[:, start : start + _STRIP] = weighed[start : start + _STRIP].astype(into.dtype).T


def _down(weights: _Weights, pixels: Num[np.ndarray, "h n"]) -> Float32[np.ndarray, "n rows"]:
    """The weighed rows, as columns."""
    starts = range(0, pixels.shape[1], _CHUNK)
    parts = [_down_chunk(weights, pixels[:, start : start + _CHUNK]) for start in starts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _down_chunk(weights: _Weights, pixels: Num[np.ndarray, "h n"]) -> Float32[np.ndarray, "n rows"]:
    weighed = pixels.astype(np.float32)
    if weights.matrix is not None:
        weighed = weights.matrix @ weighed
    # allocated only now: it gets the memory that was just left, which is in the cache
    turned = np.empty(weighed.shape[::-1], np.float32)
    for start in range(0, len(weighed), _STRIP):
        turned[:, start : start + _STRIP] = weighed[start : start + _STRIP].T
    return turned
