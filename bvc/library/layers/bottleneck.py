"""What autoencoders with a sequence of codes do between encoder and decoder."""

from __future__ import annotations

import math
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import SettingError
from bvc.library.layers.initializers import RandomKey, xavier_uniform
from bvc.library.layers.patch import Pair

CodeDropout = Literal["none", "seq", "random"]


def grid_of_codes(code_len: int) -> Pair:
    """The square grid on which codes lie when they are resized as an image.

    Raises:
        SettingError: there is no such square.
    """
    side = math.isqrt(code_len)
    if side**2 != code_len:
        raise SettingError("code_len", f"is {code_len}: codes that lie on a grid are a square number")
    return side, side


def make_maps(
    tokens: int, code_len: int, resize: bool, down_key: RandomKey, up_key: RandomKey
) -> tuple[Float[Array, "t n"] | None, Float[Array, "n t"] | None, Pair]:
    """The maps from tokens to codes and back, and the grid of codes; with `resize` no maps but a square grid.

    Raises:
        SettingError: with `resize`, codes that fill no square.
    """
    if resize:
        return None, None, grid_of_codes(code_len)
    down = xavier_uniform(down_key, (tokens, code_len), tokens, code_len)
    up = xavier_uniform(up_key, (code_len, tokens), code_len, tokens)
    return down, up, (code_len, 1)


def resample_tokens(
    x: Float[Array, "b s d"], matrix: Float[Array, "s t"] | None, old: Pair, new: Pair
) -> Float[Array, "b t d"]:
    """Tokens on another grid: by a learned map, or without one by linear interpolation."""
    if matrix is not None:
        return jnp.einsum("bsd,st->btd", x, matrix)
    batch, _, width = x.shape
    resized = jax.image.resize(x.reshape(batch, *old, width), (batch, *new, width), "linear")
    return resized.reshape(batch, -1, width)


def kept_codes(keys: Key[Array, "b"], code_len: int, style: CodeDropout) -> Float[Array, "b n"]:
    """1 for the codes that the decoder sees: a random number of them, the first ones or any."""
    importance = jnp.linspace(1.0, 0.0, code_len + 2)[1:-1]

    def draw(key: Key[Array, ""]) -> Float[Array, "n"]:
        number, order = jax.random.split(key)
        kept = (importance > jax.random.uniform(number)).astype(jnp.float32)
        return jax.random.permutation(order, kept) if style == "random" else kept

    return jax.vmap(draw)(keys)
