"""Randomness on the device: a function of (seed, purpose, step) and the global position in the batch.

So it does not depend on how many devices there are, and a resumed run draws what the interrupted one would have.
"""

from __future__ import annotations

import zlib

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from bvc.component.mesh import MeshContext


def purpose_key(seed: int, purpose: str) -> Key[Array, ""]:
    """The key of one use of randomness, such as `"init"` or `"model"`."""
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(purpose.encode()))


def step_key(seed: int, purpose: str, step: Int[Array, ""]) -> Key[Array, ""]:
    """The key of one use of randomness in one step."""
    return jax.random.fold_in(purpose_key(seed, purpose), step)


def example_keys(key: Key[Array, ""], count: int, mesh: MeshContext) -> Key[Array, "b"]:
    """One key for each of this device's `count` examples, by its position in the global batch."""
    first = mesh.index() * count
    positions = first + jnp.arange(count, dtype=jnp.int32)
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, positions)
