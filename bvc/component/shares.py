"""How often each of several sources of examples comes: weights as whole numbers of a block."""

from __future__ import annotations

from collections.abc import Sequence

BLOCK = 1 << 16
"""Examples in which every source has its exact share."""


def block_shares(weights: Sequence[float]) -> tuple[int, ...]:
    """Examples of each source in a block, by largest remainder; 0 for a weight that is too small to come at all.

    >>> block_shares([2, 1]), block_shares([1, 1e9])
    ((43691, 21845), (0, 65536))
    """
    total = sum(weights)
    exact = [weight / total * BLOCK for weight in weights]
    shares = [int(each) for each in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (shares[at] - exact[at], at))
    for at in by_remainder[: BLOCK - sum(shares)]:
        shares[at] += 1
    return tuple(shares)
