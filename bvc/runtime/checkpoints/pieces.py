"""Arrays in pieces: the boxes of them that a process saves, and boxes put together to what its devices want."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import jax
import numpy as np
from jaxtyping import Array, Shaped


class Box(Protocol):
    """A box of an array: where it begins, and how long it is in each dim."""

    @property
    def start(self) -> tuple[int, ...]: ...  # noqa: D102 - the class says it

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102


AnyBox = TypeVar("AnyBox", bound=Box)


@dataclass(frozen=True, slots=True)
class Piece:
    """A box of the array `name`, on the host."""

    name: str
    start: tuple[int, ...]
    data: Shaped[np.ndarray, "*dims"]

    @property
    def shape(self) -> tuple[int, ...]:
        """How long it is in each dim."""
        return self.data.shape


def own_pieces(leaves: Mapping[str, Array]) -> list[Piece]:
    """The pieces that this process is to save, copied to the host: of all processes every element comes once.

    Of an array that lies on several devices in copies each process saves another one than of the next array, so that
    nobody has to upload everything.
    """
    chosen = [
        (name, shard)
        for number, (name, leaf) in enumerate(leaves.items())
        for shard in leaf.addressable_shards
        if shard.replica_id == number % _copies(leaf)
    ]
    for _, shard in chosen:
        shard.data.copy_to_host_async()
    # copied, since the devices' buffers may be donated while the pieces are written
    return [
        Piece(name, tuple(at.start or 0 for at in shard.index), np.array(shard.data))
        for name, shard in chosen
    ]


def put_together(
    wanted: jax.ShapeDtypeStruct, boxes: Sequence[AnyBox], read: Callable[[AnyBox], np.ndarray]
) -> Array:
    """An array as it was, lying where `wanted` says; only what the devices of this process hold is read.

    Args:
        wanted: shape, dtype and sharding.
        boxes: those that were saved of the array.
        read: the values of one.

    Raises:
        ValueError: the boxes do not cover it; the text completes "the checkpoint is not used: ...".
    """
    seen: dict[int, np.ndarray] = {}

    def part(at: tuple[slice, ...] | None) -> np.ndarray:
        assert at is not None
        bounds = [place.indices(size)[:2] for place, size in zip(at, wanted.shape, strict=True)]
        target = np.empty([stop - start for start, stop in bounds], wanted.dtype)
        left = target.size
        for number, box in enumerate(boxes):
            spans = [
                (max(start, begin), min(stop, begin + size))
                for (start, stop), begin, size in zip(bounds, box.start, box.shape, strict=True)
            ]
            if any(start >= stop for start, stop in spans):
                continue
            if number not in seen:
                seen[number] = read(box)
            inner = tuple(slice(a - begin, b - begin) for (a, b), begin in zip(spans, box.start, strict=True))
            outer = tuple(
                slice(a - start, b - start) for (a, b), (start, _) in zip(spans, bounds, strict=True)
            )
            target[outer] = seen[number][inner]
            left -= math.prod(b - a for a, b in spans)
        if left:
            raise ValueError("an array in it is not complete")
        return target

    return jax.make_array_from_callback(wanted.shape, wanted.sharding, part)


def _copies(leaf: Array) -> int:
    if leaf.size == 0:
        return 1
    return len(leaf.sharding.device_set) * math.prod(leaf.sharding.shard_shape(leaf.shape)) // leaf.size
