"""What a component may know of the device mesh, and the collectives it may ask for."""

# pyright: basic
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, PyTree, Shaped


@dataclass(frozen=True, slots=True)
class MeshContext:
    """The axes of the mesh inside `shard_map`; without axes, the collectives are identities.

    Attributes:
        axes: name and size of every mesh axis, in the order of the device grid.
        batch: the axes that split the batch, major first.
        tensor: the axis that splits heads and hidden units, or None.
    """

    axes: dict[str, int] = field(default_factory=dict[str, int])
    batch: tuple[str, ...] = ()
    tensor: str | None = None

    @property
    def shards(self) -> int:
        """How many ways the batch is split."""
        count = 1
        for axis in self.batch:
            count *= self.axes[axis]
        return count

    def index(self) -> Int[Array, ""]:
        """Which shard of the batch this device holds."""
        if not self.batch:
            return jnp.zeros((), jnp.int32)
        return lax.axis_index(self.batch)

    def sum(self, x: Shaped[Array, "*dims"]) -> Shaped[Array, "*dims"]:
        """Sum over the shards of the batch (psum)."""
        if not self.batch:
            return x
        return lax.psum(x, self.batch)

    def gather(self, x: Shaped[Array, "b *dims"]) -> Shaped[Array, "n *dims"]:
        """The whole batch from its shards, in order (all-gather on dim 0)."""
        if not self.batch:
            return x
        return lax.all_gather(x, self.batch, axis=0, tiled=True)  # x: [B/shards, ...] -> [B, ...]

    def spread(self, x: Shaped[Array, "*dims"]) -> Shaped[Array, "*dims"]:
        """Declare a value that is the same on all shards to be each shard's own; moves nothing."""
        return lax.pcast(x, unvaried(x, self.batch), to="varying")

    def pass_on(self, x: PyTree[Shaped[Array, "..."]]) -> PyTree[Shaped[Array, "..."]]:
        """Send arrays to the next shard of the batch and receive those of the previous one (ring)."""
        if self.shards == 1:
            return x
        ring = [(source, (source + 1) % self.shards) for source in range(self.shards)]
        return jax.tree.map(lambda leaf: lax.ppermute(leaf, self.batch, ring), x)


def varying(x: Shaped[Array, "*dims"]) -> frozenset[str]:
    """The mesh axes along which the devices of a `shard_map` may hold different values of `x`."""
    return jax.typeof(x).manual_axis_type.varying


def unvaried(x: Shaped[Array, "*dims"], axes: Sequence[str]) -> tuple[str, ...]:
    """Those of `axes` along which all devices hold the same `x`."""
    found = varying(x)
    return tuple(axis for axis in axes if axis not in found)
