"""The distributions from which parameters start: those of big_vision, or else the defaults of Flax.

Draws are made flat and then shaped: XLA on CPU compiles them faster than draws of many dims. Where parameters lie in
parts on several devices they are made in shape, with the same values: only so each device draws its part alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component.execution import execution

RandomKey = Key[Array, ""]
Parameter = Float[Array, "..."]

# The standard deviation of a standard normal variable truncated to [-2, 2].
_TRUNCATED_STD = 0.87962566103423978


def zeros(shape: Sequence[int]) -> Parameter:
    """All zero."""
    return jnp.zeros(shape, jnp.float32)


def ones(shape: Sequence[int]) -> Parameter:
    """All one."""
    return jnp.ones(shape, jnp.float32)


def constant(value: float, shape: Sequence[int]) -> Parameter:
    """All `value`."""
    return jnp.full(shape, value, jnp.float32)


def normal(key: RandomKey, shape: Sequence[int], std: float) -> Parameter:
    """Normal with mean 0."""
    return std * _drawn(lambda form: jax.random.normal(key, form, jnp.float32), shape)


def truncated_normal(key: RandomKey, shape: Sequence[int], std: float) -> Parameter:
    """A normal variable of deviation `std` cut at twice that: its own deviation is 0.88 `std` (BERT)."""
    return std * _drawn(lambda form: jax.random.truncated_normal(key, -2.0, 2.0, form, jnp.float32), shape)


def lecun_normal(key: RandomKey, shape: Sequence[int], fan_in: int) -> Parameter:
    """Truncated normal whose standard deviation after truncation is 1/sqrt(fan_in) (LeCun 1998)."""
    return truncated_normal(key, shape, math.sqrt(1 / fan_in) / _TRUNCATED_STD)


def xavier_uniform(key: RandomKey, shape: Sequence[int], fan_in: int, fan_out: int) -> Parameter:
    """Uniform on +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = math.sqrt(6 / (fan_in + fan_out))
    return _drawn(lambda form: jax.random.uniform(key, form, jnp.float32, -bound, bound), shape)


def _drawn(draw: Callable[[tuple[int, ...]], Parameter], shape: Sequence[int]) -> Parameter:
    if execution().shapes:
        return zeros(shape)
    return draw(tuple(shape)) if execution().split else draw((math.prod(shape),)).reshape(shape)
