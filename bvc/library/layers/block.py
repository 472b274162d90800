"""The pre-norm transformer block and its repetition."""

from __future__ import annotations

import equinox as eqx
import jax
from jaxtyping import Array, Float

from bvc.component import Stack
from bvc.library.layers import tap
from bvc.library.layers.attention import Attention, Mask
from bvc.library.layers.dense import Dtype
from bvc.library.layers.dropout import Keys, dropout, fold
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.mlp import Mlp
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.repeat import Remat, repeat
from bvc.library.layers.sizes import Size


class Block(eqx.Module):
    """`x + attention(norm(x))`, then `x + mlp(norm(x))`."""

    attention_norm: LayerNorm
    attention: Attention
    mlp_norm: LayerNorm
    mlp: Mlp
    drop: float = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        drop: float = 0.0,
        dtype: Dtype = "float32",
        key: RandomKey,
    ) -> None:
        attention_key, mlp_key = jax.random.split(key)
        self.attention_norm = LayerNorm(width)
        self.attention = Attention(width, heads, dtype=dtype, key=attention_key)
        self.mlp_norm = LayerNorm(width)
        self.mlp = Mlp(width, hidden, drop=drop, dtype=dtype, key=mlp_key)
        self.drop = drop

    def __call__(
        self, x: Float[Array, "b t d"], *, mask: Mask | None = None, keys: Keys = None
    ) -> Float[Array, "b t d"]:
        """One block."""
        y = self.attention_norm(x)
        y = self.attention(y, y, mask=mask)
        tap.tap("sa", y)
        x = x + dropout(y, self.drop, fold(keys, 0))
        tap.tap("+sa", x)
        y = self.mlp(self.mlp_norm(x), keys=fold(keys, 1))
        tap.tap("mlp", y)
        x = x + dropout(y, self.drop, fold(keys, 2))
        tap.tap("+mlp", x)
        return x


def stack(
    size: Size,
    *,
    drop: float = 0.0,
    dtype: Dtype = "float32",
    key: RandomKey,
) -> Stack[Block]:
    """As many blocks as `size` says, of one shape."""
    return Stack.build(
        lambda k: Block(size.width, size.heads, size.mlp_dim, drop=drop, dtype=dtype, key=k), size.depth, key
    )


def encode(
    blocks: Stack[Block],
    x: Float[Array, "b t d"],
    *,
    mask: Mask | None = None,
    keys: Keys = None,
    remat: Remat = "none",
    dtype: Dtype = "float32",
) -> Float[Array, "b t d"]:
    """Apply the blocks one after another; each layer has its own dropout."""
    return repeat(
        blocks,
        x,
        lambda block, x, index, _: block(x, mask=mask, keys=fold(keys, index)),
        remat=remat,
        dtype=dtype,
    )
