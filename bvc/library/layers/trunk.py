"""A ViT's blocks with their positions, for models that make tokens in their own way."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax
from jaxtyping import Array, Float

from bvc.component import Stack, gather
from bvc.library.layers import posemb as positions
from bvc.library.layers.block import Block, encode, stack
from bvc.library.layers.dropout import Keys
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.patch import Pair
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size

Posemb = Literal["learn", "sincos2d"]
Tokens = Float[Array, "b t d"]


class Trunk(eqx.Module):
    """Positions, blocks, and the norm after them."""

    posemb: Float[Array, "1 t d"] | None
    blocks: Stack[Block]
    norm: LayerNorm
    grid: Pair = eqx.field(static=True)

    def __init__(self, size: Size, grid: Pair, posemb: Posemb, *, drop: float, key: RandomKey) -> None:
        posemb_key, blocks_key = jax.random.split(key)
        self.posemb = None
        if posemb == "learn":
            self.posemb = positions.learned(grid[0] * grid[1], size.width, key=posemb_key)
        self.blocks = stack(size, drop=drop, key=blocks_key)
        self.norm = LayerNorm(size.width)
        self.grid = grid

    def __call__(self, x: Tokens, *, keys: Keys = None, remat: Remat) -> Tokens:
        """The transformed tokens."""
        x = x + (positions.sincos2d(*self.grid, x.shape[-1]) if self.posemb is None else gather(self.posemb))
        return gather(self.norm)(encode(self.blocks, x, keys=keys, remat=remat))
