"""Convolutions with standardized weights (arXiv:1903.10520), and the pooling around them."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bvc.library.layers.initializers import RandomKey, lecun_normal

Padding = Literal["same"] | int
"""Zeros around the image: as many as keep its size (over the stride), or this many on each side."""

Spread = Literal["std", "variance"]
"""Where the standardization's epsilon stands: beside the standard deviation, or beside the variance."""

_EPSILON = {"std": 1e-5, "variance": 1e-10}


def standardize(kernel: Float[Array, "h w i o"], spread: Spread) -> Float[Array, "h w i o"]:
    """Each output's weights with mean 0 and deviation 1."""
    centered = kernel - jnp.mean(kernel, axis=(0, 1, 2))
    variance = jnp.mean(jnp.square(centered), axis=(0, 1, 2))
    if spread == "std":
        return centered / (jnp.sqrt(variance) + _EPSILON[spread])
    return centered / jnp.sqrt(variance + _EPSILON[spread])


class StandardizedConv(eqx.Module):
    """A convolution without bias whose kernel is standardized before use."""

    kernel: Float[Array, "h w i o"]
    stride: int = eqx.field(static=True)
    padding: Padding = eqx.field(static=True)
    spread: Spread = eqx.field(static=True)

    def __init__(
        self,
        side: int,
        channels: int,
        out: int,
        *,
        stride: int = 1,
        padding: Padding = "same",
        spread: Spread,
        key: RandomKey,
    ) -> None:
        self.kernel = lecun_normal(key, (side, side, channels, out), fan_in=side * side * channels)
        self.stride = stride
        self.padding = padding
        self.spread = spread

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b H W d"]:
        """The convolved image."""
        around = "SAME" if self.padding == "same" else [(self.padding, self.padding)] * 2
        return lax.conv_general_dilated(
            x,
            standardize(self.kernel, self.spread),
            (self.stride, self.stride),
            around,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )


def max_pool(x: Float[Array, "b h w c"], padding: Padding) -> Float[Array, "b H W c"]:
    """The largest of 3 x 3 pixels, every second pixel."""
    around = "SAME" if padding == "same" else [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), around)
