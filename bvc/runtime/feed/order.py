"""The order of examples: a pure function of seed and epoch, computed one position at a time.

A keyed permutation (a balanced Feistel network on the next even number of bits, walked until it falls inside the
range: Black and Rogaway, "Ciphers with arbitrary finite domains", 2002), so that no order is ever kept in memory.
"""

from __future__ import annotations

import bisect
import functools
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int32

_ROUNDS = 6
_MASK = 0xFFFFFFFFFFFFFFFF
_BETWEEN = 40
"""Sources of a mix are told apart in the seed above this bit; seeds have 31."""


@dataclass(frozen=True)
class Order:
    """Which example comes at a position of the endless sequence of training, of one source or of several.

    Examples of several sources are numbered through, source after source. Each source goes through epochs of its own.

    Attributes:
        sizes: examples of each source.
        shares: examples of each source in a block of `sum(shares)`.
        seed: seed of the run.
        shuffle: a new order in every epoch of a source; otherwise the order of the data.
    """

    sizes: tuple[int, ...]
    shares: tuple[int, ...]
    seed: int
    shuffle: bool
    starts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        starts = [sum(self.sizes[:at]) for at in range(len(self.sizes))]
        object.__setattr__(self, "starts", tuple(starts))

    def at(self, position: int) -> tuple[int, int]:
        """Epoch of its source, and number, of the example at a position."""
        if len(self.sizes) == 1:
            return example_at(position, self.sizes[0], self.seed, self.shuffle)
        block, offset = divmod(position, sum(self.shares))
        sources, before = interleaved(self.shares, self.seed, block)
        source = int(sources[offset])
        own = block * self.shares[source] + int(before[offset])
        seed = self.seed | source << _BETWEEN
        epoch, number = example_at(own, self.sizes[source], seed, self.shuffle)
        return epoch, self.starts[source] + number

    def instead(self, epoch: int, number: int, attempt: int) -> int:
        """The example of the same source that replaces one which cannot be used, at the first attempt, the second..."""
        source = bisect.bisect_right(self.starts, number) - 1
        drawn = _mixed(_mixed(_mixed(self.seed ^ epoch) ^ number) ^ attempt)
        return self.starts[source] + drawn % self.sizes[source]


@functools.lru_cache(maxsize=4)
def interleaved(
    shares: tuple[int, ...], seed: int, block: int
) -> tuple[Int32[np.ndarray, "n"], Int32[np.ndarray, "n"]]:
    """The source of each position of a block, and how many positions of that source are before it in the block."""
    count = sum(shares)
    drawn = np.random.Philox(key=seed | 1 << 127, counter=block << 128).random_raw(count)
    # the sources one after another, put into a random order
    sources = np.repeat(np.arange(len(shares), dtype=np.int32), shares)[np.argsort(drawn, kind="stable")]
    before = np.empty(count, np.int32)
    before[np.argsort(sources, kind="stable")] = np.concatenate([np.arange(share) for share in shares])
    return sources, before


def example_at(position: int, size: int, seed: int, shuffle: bool) -> tuple[int, int]:
    """Epoch and index of the example at a position of the endless sequence of epochs.

    Args:
        position: from 0; position // size is the epoch.
        size: examples in an epoch.
        seed: seed of the run.
        shuffle: a new order in every epoch; otherwise the order of the dataset.
    """
    epoch, offset = divmod(position, size)
    return epoch, permuted(offset, size, seed, epoch) if shuffle else offset


def permuted(index: int, size: int, seed: int, epoch: int) -> int:
    """Where `index` goes in the permutation of range(size) that belongs to (seed, epoch)."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    key = _mixed(_mixed(seed) ^ (epoch * 0x9E3779B97F4A7C15))
    while True:
        left, right = index >> half, index & mask
        for number in range(_ROUNDS):
            left, right = right, left ^ (_mixed(key + (number << 56) + right) & mask)
        index = (left << half) | right
        if index < size:
            return index


def _mixed(value: int) -> int:
    """The finalizer of SplitMix64: every bit of the result depends on every bit of the value."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
