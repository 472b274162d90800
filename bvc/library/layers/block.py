"""The pre-norm transformer block and its repetition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Bias:
    """Which biases a transformer has, beside those of its MLPs.

    Settings:
        qkv: of query, key and value
        norm: of the norms in and after the blocks
    """

    qkv: bool = True
    norm: bool = True


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the parts of a block stand to each other; unless told, as in arXiv:2010.11929.

    Attributes:
        order: the MLP after attention, or both beside each other on one norm (ViT-22B, arXiv:2302.05442).
        qk_norm: normalize queries and keys.
        bias: which biases there are.
    """

    order: Literal["serial", "parallel"] = "serial"
    qk_norm: bool = False
    bias: Bias = field(default_factory=Bias)


class Block(eqx.Module):
    """`x + attention(norm(x))`, then `x + mlp(norm(x))`.

    In parallel: `x + attention(y) + mlp(y)` with `y = norm(x)`.
    """

    attention_norm: LayerNorm
    attention: Attention
    mlp_norm: LayerNorm | None
    mlp: Mlp
    drop: float = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        wiring: Wiring = Wiring(),  # noqa: B008 - frozen
        drop: float = 0.0,
        dtype: Dtype = "float32",
        key: RandomKey,
    ) -> None:
        attention_key, mlp_key = jax.random.split(key)
        bias = wiring.bias
        self.attention_norm = LayerNorm(width, bias=bias.norm)
        self.attention = Attention(
            width, heads, qkv_bias=bias.qkv, qk_norm=wiring.qk_norm, dtype=dtype, key=attention_key
        )
        self.mlp_norm = None if wiring.order == "parallel" else LayerNorm(width, bias=bias.norm)
        self.mlp = Mlp(width, hidden, drop=drop, dtype=dtype, key=mlp_key)
        self.drop = drop

    def __call__(
        self, x: Float[Array, "b t d"], *, mask: Mask | None = None, keys: Keys = None
    ) -> Float[Array, "b t d"]:
        """One block."""
        normed = self.attention_norm(x)
        y = self.attention(normed, normed, mask=mask)
        tap.tap("sa", y)
        x = x + dropout(y, self.drop, fold(keys, 0))
        tap.tap("+sa", x)
        y = self.mlp(normed if self.mlp_norm is None else self.mlp_norm(x), keys=fold(keys, 1))
        tap.tap("mlp", y)
        x = x + dropout(y, self.drop, fold(keys, 2))
        tap.tap("+mlp", x)
        return x


def stack(
    size: Size,
    *,
    wiring: Wiring = Wiring(),  # noqa: B008 - frozen
    drop: float = 0.0,
    dtype: Dtype = "float32",
    key: RandomKey,
) -> Stack[Block]:
    """As many blocks as `size` says, of one shape."""

    def make(key: RandomKey) -> Block:
        return Block(size.width, size.heads, size.mlp_dim, wiring=wiring, drop=drop, dtype=dtype, key=key)

    return Stack.build(make, size.depth, key)


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
