"""Arithmetic on parameters, of which a model has many shapes: as jax.numpy's operators, but sooner traced.

For each new shape jax.numpy traces a function around the one operation, five times the work of the operation itself.
Where nothing has to be promoted or broadcast, that operation is all that comes of it.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Factor = float | Float[Array, "..."]


def add(x: Factor, y: Factor) -> Float[Array, "..."]:
    """`x + y`."""
    return lax.add(x, y) if _alike(x, y) else jnp.add(x, y)


def multiply(x: Factor, y: Factor) -> Float[Array, "..."]:
    """`x * y`."""
    return lax.mul(x, y) if _alike(x, y) else jnp.multiply(x, y)


def divide(x: Factor, y: Factor) -> Float[Array, "..."]:
    """`x / y`."""
    return lax.div(x, y) if _alike(x, y) else jnp.divide(x, y)


def sum_entries(x: Float[Array, "..."]) -> Float[Array, ""]:
    """The sum of all entries."""
    return lax.reduce_sum(x, tuple(range(x.ndim))) if x.dtype == jnp.float32 else jnp.sum(x)


def _alike(x: Factor, y: Factor) -> bool:
    """Whether both are float32 and of one shape, or one of them a single number."""
    arrays = [each for each in (x, y) if isinstance(each, jax.Array)]
    numbers = sum(isinstance(each, float) for each in (x, y))
    shapes = {each.shape for each in arrays if each.shape}
    alike = len(shapes) < 2 and all(each.dtype == jnp.float32 for each in arrays)
    return alike and len(arrays) + numbers == 2 and numbers < 2
