"""Group norm (arXiv:1803.08494)."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bvc.library.layers.initializers import ones, zeros


class GroupNorm(eqx.Module):
    """Normalizes groups of channels over the whole image; parameters have the shape `(..., c)` that files give them.

    `exact` takes the mean out before it squares, instead of subtracting the squared mean.
    """

    scale: Float[Array, "*ones c"]
    bias: Float[Array, "*ones c"]
    groups: int = eqx.field(static=True)
    epsilon: float = eqx.field(static=True)
    exact: bool = eqx.field(static=True)

    def __init__(
        self,
        channels: int,
        *,
        groups: int = 32,
        epsilon: float = 1e-6,
        exact: bool = False,
        dims: int = 1,
        zero_scale: bool = False,
    ) -> None:
        shape = (1,) * (dims - 1) + (channels,)
        self.scale = zeros(shape) if zero_scale else ones(shape)
        self.bias = zeros(shape)
        self.groups = groups
        self.epsilon = epsilon
        self.exact = exact

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """The normalized image."""
        grouped = x.reshape(*x.shape[:3], self.groups, -1)
        axes = (1, 2, 4)
        if self.exact:
            mean = jnp.mean(grouped, axis=axes, keepdims=True)
            variance = jnp.mean(jnp.square(grouped - mean), axis=axes, keepdims=True)
        else:
            mean_of_square = jnp.mean(jnp.square(grouped), axis=axes, keepdims=True)
            mean = jnp.mean(grouped, axis=axes, keepdims=True)
            variance = jnp.maximum(0.0, mean_of_square - jnp.square(mean))
        y = (grouped - mean) * lax.rsqrt(variance + self.epsilon)
        return y.reshape(x.shape) * self.scale + self.bias
