"""Resizing as TensorFlow's image ops resize, one axis after the other.

Every method works in float32; an integer image is clipped to its range and truncated, not rounded (reference:
tests/reference/pp, README "resize"). Each axis is a product with a sparse matrix of weights: scipy computes it
outside Python's lock and every value in the same order, so that a window of a result has the bits of the whole.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Int, Num

from bvc.library.imaging.taps import METHODS as METHODS
from bvc.library.imaging.taps import OVERSHOOTING, Method, Taps, nearest_index, taps

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Window = tuple[int, int, int, int]
"""Top, left, height and width, in pixels."""

_STRIP = 300
"""Values of a row that are weighed at a time, about: what is held in float32 stays in the cache."""
_OVERLAPS = 8
"""A strip is at least so many kernels wide, since what lies within one of its edges is read for its neighbour too."""


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
    ((_, down),) = _strips(_Axis(image.shape[-3], height, 1, *kernel), top, h, None)
    strips = _strips(_Axis(image.shape[-2], width, image.shape[-1], *kernel), left, w, _STRIP)
    resized = np.empty((*image.shape[:-3], h, w, image.shape[-1]), image.dtype)
    for each, into in zip(
        image.reshape(-1, image.shape[-3], image.shape[-2] * image.shape[-1]),
        resized.reshape(-1, h, w * image.shape[-1]),
        strict=True,
    ):
        rows = each[down.reads]
        for place, across in strips:
            _resample(rows[:, across.reads], down, across, method, into[:, place])
    return resized


@dataclass(frozen=True, eq=False)
class _Weights:
    """What a part of an axis is made of: the weights of the input positions in `reads`; no matrix copies them."""

    reads: slice | Int[np.ndarray, "n"]
    matrix: csr_array | None


class _Axis(NamedTuple):
    """An axis of positions that hold `channels` values each, and how it is resized."""

    size_in: int
    size_out: int
    channels: int
    method: Method
    antialias: bool
    stepped: bool

    @property
    def taps(self) -> Taps:
        """Input positions of every output position, and their weights."""
        return taps(self.size_in, self.size_out, self.method, self.antialias, self.stepped)


@functools.lru_cache(maxsize=1024)
def _strips(axis: _Axis, start: int, count: int, values: int | None) -> list[tuple[slice, _Weights]]:
    """Parts of `count` output positions from `start` on: their places in the result, and what they are made of.

    Each reads about `values` values, or more where the kernel is wide; None: the axis is one part.
    """
    number = 1
    channels = axis.channels
    if values is not None and axis.size_in != axis.size_out:
        kernel = axis.taps[0].shape[1]
        read = count * channels * min(axis.size_in / axis.size_out, kernel)
        number = max(1, round(read / max(values, _OVERLAPS * kernel * channels)))
    edges = [count * part // number for part in range(number + 1)]
    return [
        (slice(low * channels, high * channels), _weights(axis, start + low, high - low))
        for low, high in itertools.pairwise(edges)
    ]


def _weights(axis: _Axis, start: int, count: int) -> _Weights:
    """Of `count` output positions from `start` on."""
    # takes a tenth of a second, which a spec that is only checked has no use for
    from scipy.sparse import csr_array

    channels = axis.channels
    if axis.size_in == axis.size_out:
        return _Weights(slice(start * channels, (start + count) * channels), None)
    index, weight = axis.taps
    index, weight = index[start : start + count], weight[start : start + count]
    index = (index[:, None, :] * channels + np.arange(channels)[:, None]).reshape(-1, index.shape[1])
    first, last = int(index.min()), int(index.max())
    read = first + np.flatnonzero(np.bincount(index.ravel() - first))
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
    weighed = pixels.astype(np.float32)
    if down.matrix is not None:
        weighed = down.matrix @ weighed
    # allocated only now: it gets the memory that was just left, which is in the cache
    turned = np.empty(weighed.shape[::-1], np.float32)
    turned[...] = weighed.T
    if across.matrix is not None:
        turned = across.matrix @ turned
    if into.dtype.kind in "iu" and method in OVERSHOOTING:
        limits = np.iinfo(into.dtype)
        np.clip(turned, limits.min, limits.max, out=turned)
    into[...] = turned.astype(into.dtype).T
