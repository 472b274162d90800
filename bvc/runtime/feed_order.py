"""The order of examples: a pure function of seed and epoch, computed one position at a time.

A keyed permutation (a balanced Feistel network on the next even number of bits, walked until it falls inside the
range: Black and Rogaway, "Ciphers with arbitrary finite domains", 2002), so that no order is ever kept in memory.
"""

from __future__ import annotations

_ROUNDS = 6
_MASK = 0xFFFFFFFFFFFFFFFF


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
