"""Linear maps between a token and an array of several dims."""

from __future__ import annotations

import math

import equinox as eqx
from jaxtyping import Array, Float

from bvc.library.layers.initializers import RandomKey, lecun_normal, zeros

Tokens = Float[Array, "b t d"]


class Flatten(eqx.Module):
    """A linear map of several dims into a token."""

    kernel: Float[Array, "*shape d"]
    bias: Float[Array, "d"]

    def __init__(self, shape: tuple[int, ...], width: int, *, key: RandomKey) -> None:
        self.kernel = lecun_normal(key, (*shape, width), fan_in=math.prod(shape))
        self.bias = zeros((width,))

    def __call__(self, x: Float[Array, "b t ..."]) -> Tokens:
        """One token for each position."""
        width = self.kernel.shape[-1]
        return x.reshape(*x.shape[:2], -1) @ self.kernel.reshape(-1, width) + self.bias


class Unflatten(eqx.Module):
    """A linear map of a token into several dims."""

    kernel: Float[Array, "d *shape"]
    bias: Float[Array, "*shape"]

    def __init__(self, width: int, shape: tuple[int, ...], *, zero: bool, key: RandomKey) -> None:
        whole = (width, *shape)
        self.kernel = zeros(whole) if zero else lecun_normal(key, whole, fan_in=width)
        self.bias = zeros(shape)

    def __call__(self, x: Tokens) -> Float[Array, "b t ..."]:
        """What each token stands for."""
        y = x @ self.kernel.reshape(x.shape[-1], -1)
        return y.reshape(*x.shape[:2], *self.bias.shape) + self.bias
