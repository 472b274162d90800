"""Convolutions, with weights as they are or standardized (arXiv:1903.10520), and the pooling around them."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bvc.library.layers.initializers import RandomKey, lecun_normal, zeros

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
        return convolve(x, standardize(self.kernel, self.spread), self.stride, self.padding)


class Conv(eqx.Module):
    """A convolution, with or without bias."""

    kernel: Float[Array, "h w i o"]
    bias: Float[Array, "o"] | None
    stride: int = eqx.field(static=True)
    padding: Padding = eqx.field(static=True)

    def __init__(
        self,
        side: int,
        channels: int,
        out: int,
        *,
        bias: bool,
        stride: int = 1,
        padding: Padding = "same",
        key: RandomKey,
    ) -> None:
        self.kernel = lecun_normal(key, (side, side, channels, out), fan_in=side * side * channels)
        self.bias = zeros((out,)) if bias else None
        self.stride = stride
        self.padding = padding

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b H W d"]:
        """The convolved image."""
        y = convolve(x, self.kernel, self.stride, self.padding)
        return y if self.bias is None else y + self.bias


def convolve(
    x: Float[Array, "b h w c"], kernel: Float[Array, "y x c d"], stride: int, padding: Padding
) -> Float[Array, "b H W d"]:
    """Convolve an image with a kernel."""
    around = "SAME" if padding == "same" else [(padding, padding)] * 2
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), around, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def average_pool(x: Float[Array, "b h w c"]) -> Float[Array, "b H W c"]:
    """The mean of 2 x 2 pixels, of those that there are at an odd border."""
    window, stride = (1, 2, 2, 1), (1, 2, 2, 1)
    total = lax.reduce_window(x, 0.0, lax.add, window, stride, "SAME")
    return total / lax.reduce_window(jnp.ones_like(x), 0.0, lax.add, window, stride, "SAME")


def max_pool(x: Float[Array, "b h w c"], padding: Padding) -> Float[Array, "b H W c"]:
    """The largest of 3 x 3 pixels, every second pixel."""
    around = "SAME" if padding == "same" else [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), around)
