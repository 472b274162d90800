"""What arrays take in the memory of a TPU, which holds them in tiles of 8 x 128 numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from bvc.plan.batched import batched_dims
from bvc.plan.ops import Ops, Value
from bvc.plan.target import DeviceKind

_ROWS, _LANES = 8, 128


def tiled_bytes(value: Value, batched: frozenset[int] = frozenset()) -> int:
    """Bytes with the padding of whole tiles.

    The two last dims are tiled where the last one fills the lanes, or instead of the last but one another that would
    fill lanes too, as a large batch; of other arrays the compiler turns the dims so that least is lost (seen in the
    layouts that libtpu gives to ViTs).

    Args:
        value: the array.
        batched: dims that lie outside the tiles while there are two others.
    """
    sizes = [(dim not in batched, size) for dim, size in enumerate(value.shape) if size > 1]
    if len(sizes) < 2 or not value.bytes:
        return value.bytes
    inner = sorted(sizes, key=lambda each: each[0])
    dims = [size for free, size in inner if free]
    dims = dims if len(dims) >= 2 else [size for _, size in inner[-2:]]
    if dims[-1] >= _LANES:
        pairs = [(rows, dims[-1]) for rows in dims[:-2] if rows >= _LANES] + [(dims[-2], dims[-1])]
    else:
        pairs = itertools.permutations(dims, 2)
    return min(
        value.bytes // (rows * lanes) * _whole(rows, _ROWS) * _whole(lanes, _LANES) for rows, lanes in pairs
    )


def _whole(size: int, tile: int) -> int:
    return math.ceil(size / tile) * tile


def sizes_on(kind: DeviceKind, step: Ops) -> Callable[[Value], int]:
    """How many bytes each array of a step takes on a kind of device."""
    if kind != "tpu":
        return lambda value: value.bytes
    batched = batched_dims(step)
    return lambda value: tiled_bytes(value, batched.get(value, frozenset()))
