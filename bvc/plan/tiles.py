"""What arrays take in the memory of a TPU, which holds them in tiles of 8 x 128 numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from bvc.plan.ops import Value

_ROWS, _LANES = 8, 128


def tiled_bytes(value: Value) -> int:
    """Bytes with the padding of whole tiles.

    The two last dims are tiled where the last one fills the lanes; of other arrays the compiler turns the dims so that
    least is lost (seen in the layouts that libtpu gives to ViTs).
    """
    dims = [size for size in value.shape if size > 1]
    if len(dims) < 2 or not value.bytes:
        return value.bytes
    pairs = [dims[-2:]] if dims[-1] >= _LANES else itertools.permutations(dims, 2)
    return min(
        value.bytes // (rows * lanes) * _whole(rows, _ROWS) * _whole(lanes, _LANES) for rows, lanes in pairs
    )


def _whole(size: int, tile: int) -> int:
    return math.ceil(size / tile) * tile


def sizes_on(kind: str) -> Callable[[Value], int]:
    """How many bytes an array takes on a kind of device."""
    return tiled_bytes if kind == "tpu" else lambda value: value.bytes
