"""Which examples of a global batch a process reads, and how they become one array with those of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding
from jaxtyping import Array, Shaped


@dataclass(frozen=True, slots=True)
class Share:
    """The blocks of every batch that lie on this process's devices; a block is what one shard of the batch holds.

    They need not be neighbours: a mesh follows the connections of the devices, not the order of their hosts. And a
    process may hold all of them, as others do, where its devices split no batch.

    Attributes:
        blocks: their numbers, ascending.
        of: how many blocks a batch has.
    """

    blocks: tuple[int, ...]
    of: int

    def rows(self, batch: int) -> tuple[int, ...]:
        """Positions in a global batch of the examples that this process reads, ascending."""
        size = batch // self.of
        return tuple(row for block in self.blocks for row in range(block * size, (block + 1) * size))

    def place(
        self, local: Shaped[np.ndarray, "b *dims"], sharding: NamedSharding
    ) -> Shaped[Array, "B *dims"]:
        """This process's rows as its part of a global array."""
        size = len(local) // len(self.blocks)
        at = {block * size: number * size for number, block in enumerate(self.blocks)}

        def block(index: Any) -> Shaped[np.ndarray, "b *dims"]:
            begin = at[index[0].start or 0]
            return local[begin : begin + size]

        return jax.make_array_from_callback((size * self.of, *local.shape[1:]), sharding, block)


def share_of(sharding: NamedSharding, shards: int) -> Share:
    """The share of this process.

    Args:
        sharding: of a batch: dim 0 split over the batch axes.
        shards: into how many parts that splits it.
    """
    held = sharding.addressable_devices_indices_map((shards,)).values()
    return Share(tuple(sorted({(index[0].start or 0) if index else 0 for index in held})), shards)
