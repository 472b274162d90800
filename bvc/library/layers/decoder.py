"""The decoder of a sequence of tokens that may read an encoded image, whole or token by token."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from bvc.component import SettingError, Stack, gather
from bvc.library.layers import posemb as positions
from bvc.library.layers.attention import Attention, Memory, SelfMask
from bvc.library.layers.dense import Dense, Embedding
from bvc.library.layers.dropout import Keys, dropout, fold
from bvc.library.layers.initializers import RandomKey, normal, zeros
from bvc.library.layers.mlp import Mlp
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.repeat import Remat, repeat
from bvc.library.layers.sizes import Size, check_size
from bvc.library.layers.tap import tap


class DecoderBlock(eqx.Module):
    """Self-attention, attention to what was encoded (if anything is), MLP; each pre-normed and added.

    No attention has biases. `source` is the width of what was encoded.
    """

    self_norm: LayerNorm
    self_attention: Attention
    cross_norm: LayerNorm | None
    cross_attention: Attention | None
    mlp_norm: LayerNorm
    mlp: Mlp
    drop: float = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        *,
        source: int | None,
        drop: float = 0.0,
        norm_bias: bool = True,
        mlp_bias: bool = True,
        key: RandomKey,
    ) -> None:
        self_key, cross_key, mlp_key = jax.random.split(key, 3)
        self.self_norm = LayerNorm(width, bias=norm_bias)
        self.self_attention = Attention(width, heads, bias=False, drop=drop, key=self_key)
        self.cross_norm = LayerNorm(width, bias=norm_bias) if source is not None else None
        self.cross_attention = None
        if source is not None:
            self.cross_attention = Attention(
                width, heads, source=source, bias=False, drop=drop, key=cross_key
            )
        self.mlp_norm = LayerNorm(width, bias=norm_bias)
        self.mlp = Mlp(width, hidden, bias=mlp_bias, drop=drop, key=mlp_key)
        self.drop = drop

    def __call__(
        self,
        x: Float[Array, "b t d"],
        encoded: Float[Array, "b s e"] | None,
        *,
        mask: SelfMask | None = None,
        keys: Keys = None,
    ) -> Float[Array, "b t d"]:
        """The whole sequence."""
        y = self.self_norm(x)
        y = self.self_attention(y, y, mask=mask, keys=fold(keys, 0))
        x = x + dropout(y, self.drop, fold(keys, 1))
        memory = None if encoded is None else self.cross_memory(encoded)
        x = self._rest(x, memory, keys)
        tap("", x)
        return x

    def step(
        self, x: Float[Array, "b 1 d"], own: Memory, cross: Memory | None, index: Int[Array, ""]
    ) -> tuple[Float[Array, "b 1 d"], Memory]:
        """One more token at position `index`; `own` holds the tokens before it."""
        y = self.self_norm(x)
        own = self.self_attention.extend(own, y, index)
        before = (jnp.arange(own.key.shape[1]) <= index)[None, None, None, :]
        x = x + self.self_attention.read(y, own, mask=before)
        return self._rest(x, cross, None), own

    def cross_memory(self, encoded: Float[Array, "b s e"]) -> Memory | None:
        """What the encoded sequence offers to this block."""
        return None if self.cross_attention is None else self.cross_attention.memory(encoded)

    def _rest(self, x: Float[Array, "b t d"], memory: Memory | None, keys: Keys) -> Float[Array, "b t d"]:
        if memory is not None and self.cross_attention is not None and self.cross_norm is not None:
            y = self.cross_attention.read(self.cross_norm(x), memory, keys=fold(keys, 2))
            x = x + dropout(y, self.drop, fold(keys, 3))
        return x + self.mlp(self.mlp_norm(x), keys=fold(keys, 4))


class Cache(NamedTuple):
    """What a decoder keeps between tokens, layers on dim 0."""

    own: Memory
    cross: Memory | None


def decode(
    blocks: Stack[DecoderBlock],
    x: Float[Array, "b t d"],
    encoded: Float[Array, "b s e"] | None,
    *,
    mask: SelfMask | None,
    keys: Keys = None,
    remat: Remat = "none",
) -> Float[Array, "b t d"]:
    """Apply the blocks to a whole sequence."""
    return repeat(
        blocks,
        x,
        lambda block, x, index, _: block(x, encoded, mask=mask, keys=fold(keys, index)),
        remat=remat,
    )


def start(
    blocks: Stack[DecoderBlock], encoded: Float[Array, "b s e"] | None, batch: int, length: int
) -> Cache:
    """An empty cache for `length` tokens, and what every block reads of the encoded sequence."""
    width, heads, dim = blocks.layer.self_attention.query.kernel.shape[1:]
    del width
    empty = jnp.zeros((blocks.depth, batch, length, heads, dim), jnp.float32)
    if encoded is None:
        return Cache(Memory(empty, empty), None)
    cross = jax.vmap(lambda block: block.cross_memory(encoded))(gather(blocks.layer))
    return Cache(Memory(empty, empty), cross)


def step(
    blocks: Stack[DecoderBlock], x: Float[Array, "b 1 d"], cache: Cache, position: Int[Array, ""]
) -> tuple[Float[Array, "b 1 d"], Cache]:
    """Apply the blocks to one more token."""

    def apply(block: DecoderBlock, carry: Any, index: Any, cross: Memory | None) -> Any:
        x, own = carry
        layer = Memory(*(jax.lax.dynamic_index_in_dim(part, index, 0, keepdims=False) for part in own))
        x, layer = block.step(x, layer, cross, position)
        parts = zip(own, layer, strict=True)
        return x, Memory(*(jax.lax.dynamic_update_index_in_dim(whole, new, index, 0) for whole, new in parts))

    x, own = repeat(blocks, (x, cache.own), apply, xs=cache.cross)
    return x, Cache(own, cache.cross)


def causal(length: int) -> Bool[Array, "1 1 t t"]:
    """Each position may attend to itself and to those before it."""
    return jnp.tril(jnp.ones((length, length), bool))[None, None]


class TokenDecoder(eqx.Module):
    """Tokens to logits over their vocabulary."""

    tokens: Embedding
    posemb: Float[Array, "1 t d"] | None
    blocks: Stack[DecoderBlock]
    norm: LayerNorm
    head: Dense
    length: int = eqx.field(static=True)
    input_drop: float = eqx.field(static=True)
    blind: bool = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        size: Size,
        *,
        source: int,
        vocab: int,
        length: int,
        learned: bool,
        drop: float,
        input_drop: float = 0.0,
        extra: int = 0,
        bias: bool = True,
        blind: bool = False,
        remat: Remat = "none",
        key: RandomKey,
    ) -> None:
        """Build it.

        Args:
            size: width, depth, heads, hidden units.
            source: width of what was encoded.
            vocab: tokens that can be predicted.
            length: positions.
            learned: positions are a table, else waves.
            drop: rate of dropout in the blocks.
            input_drop: rate of dropout before the first block.
            extra: tokens that can be read but not predicted.
            bias: norms and MLPs of the blocks have biases.
            blind: the tokens before are not seen, only how many they are.
            remat: what the backward pass computes again.
            key: for the initial parameters.

        Raises:
            SettingError: heads don't divide the width, or waves cannot fill it.
        """
        check_size(size)
        if not learned:
            positions.check_waves(size.width)
        width = size.width
        tokens_key, posemb_key, blocks_key = jax.random.split(key, 3)
        self.tokens = Embedding(normal(tokens_key, (vocab + extra, width), 1.0))
        self.posemb = positions.learned(length, width, key=posemb_key) if learned else None
        self.blocks = Stack.build(
            lambda k: DecoderBlock(
                width,
                size.heads,
                size.mlp_dim,
                source=source,
                drop=drop,
                norm_bias=bias,
                mlp_bias=bias,
                key=k,
            ),
            size.depth,
            blocks_key,
        )
        self.norm = LayerNorm(width)
        self.head = Dense(zeros((width, vocab)), zeros((vocab,)))
        self.length = length
        self.input_drop = input_drop
        self.blind = blind
        self.remat = remat

    def __call__(
        self,
        tokens: Int[Array, "b t"],
        encoded: Float[Array, "b s e"],
        *,
        mask: SelfMask | None = None,
        keys: Keys = None,
    ) -> Float[Array, "b t v"]:
        """Logits for each position, from the tokens that stand before it (already shifted); causal by default."""
        x = self._embed(tokens) + self._positions()[:, : tokens.shape[1]]
        x = dropout(x, self.input_drop, fold(keys, 0))
        mask = causal(tokens.shape[1]) if mask is None else mask
        x = decode(self.blocks, x, encoded, mask=mask, keys=fold(keys, 1), remat=self.remat)
        return gather(self.head)(gather(self.norm)(x))

    def start(self, encoded: Float[Array, "b s e"]) -> Cache:
        """The cache before the first token."""
        return start(self.blocks, encoded, encoded.shape[0], self.length)

    def step(
        self, token: Int[Array, "b"], cache: Cache, index: Int[Array, ""]
    ) -> tuple[Float[Array, "b v"], Cache]:
        """Logits of the token after `token`, which stands at position `index`."""
        here = jax.lax.dynamic_slice_in_dim(self._positions(), index, 1, 1)
        x, cache = step(self.blocks, self._embed(token[:, None]) + here, cache, index)
        return gather(self.head)(gather(self.norm)(x))[:, 0], cache

    def _embed(self, tokens: Int[Array, "b t"]) -> Float[Array, "b t d"]:
        x = gather(self.tokens)(tokens)
        return jnp.zeros_like(x) if self.blind else x

    def _positions(self) -> Float[Array, "1 t d"]:
        if self.posemb is not None:
            return gather(self.posemb)
        return positions.sincos2d(1, self.length, self.norm.scale.shape[-1])


def shift_right(tokens: Int[Array, "b t"]) -> Int[Array, "b t"]:
    """The tokens that stand before each position: 0, then all but the last."""
    return jnp.pad(tokens, ((0, 0), (1, 0)))[:, :-1]


def check_encoder(encoder: Any, width: int | None = None) -> None:
    """Can a decoder read what a model encodes: of this width, or of any?

    Raises:
        SettingError: it has no view `encode`, or is of another width.
    """
    if not hasattr(encoder, "encode"):
        raise SettingError("encoder", "cannot encode: it has no view `encode`", help='use type = "vit"')
    if width is not None and encoder.width != width:
        raise SettingError(
            "encoder",
            f"is {encoder.width} wide, but the decoder {width}",
            help=f"set `encoder.width = {width}`",
        )
