"""BERT, as LiT and SigLIP use it for a text tower."""

from __future__ import annotations

from typing import Literal, TypedDict

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, Fraction, PortError, Stack, component, gather
from bvc.library.checkpoints.naming import Naming
from bvc.library.layers.attention import Mask, attend
from bvc.library.layers.dense import Dense, Dtype, Embedding
from bvc.library.layers.dropout import Keys, dropout, fold
from bvc.library.layers.headed import HeadedTextModel, Text, make_head
from bvc.library.layers.initializers import RandomKey, truncated_normal, zeros
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.repeat import Remat, repeat
from bvc.library.layers.sizes import Size, resolve
from bvc.library.layers.tap import tap
from bvc.library.models._bert_files import MARKS, naming

_SIZES = {"base": Size(768, 12, 3072, 12), "large": Size(1024, 24, 4096, 16)}
_STD = 0.02
_EPSILON = 1e-12
_SEGMENTS = 2


class BertOutputs(TypedDict, total=False):
    """`logits` only with a head."""

    logits: Float[Array, "b c"]
    pre_logits: Float[Array, "b d"]


class BertAttention(eqx.Module):
    """Self-attention whose kernels are plain matrices: heads lie one after another in their columns."""

    query: Dense
    key: Dense
    value: Dense
    out: Dense
    heads: int = eqx.field(static=True)
    drop: float = eqx.field(static=True)

    def __init__(self, width: int, heads: int, *, drop: float, dtype: Dtype, key: RandomKey) -> None:
        # One draw for four kernels of one distribution: each draw costs compile time.
        kernels = truncated_normal(key, (4, width, width), _STD)
        parts = [Dense(kernel, zeros((width,)), dtype) for kernel in kernels]
        self.query, self.key, self.value, self.out = parts
        self.heads = heads
        self.drop = drop

    def __call__(self, x: Float[Array, "b t d"], *, mask: Mask, keys: Keys = None) -> Float[Array, "b t d"]:
        """Self-attention."""
        shape = (*x.shape[:2], self.heads, x.shape[2] // self.heads)
        query, key, value = (part(x).reshape(shape) for part in (self.query, self.key, self.value))
        y = attend(query, key, value, mask=mask, drop=self.drop, keys=keys, share_drop=True)
        return self.out(y.reshape(x.shape))


class BertBlock(eqx.Module):
    """The post-norm block: `norm(x + attention(x))`, then `norm(x + mlp(x))`."""

    attention: BertAttention
    attention_norm: LayerNorm
    up: Dense
    down: Dense
    mlp_norm: LayerNorm
    drop: float = eqx.field(static=True)

    def __init__(self, size: Size, *, drop: float, dtype: Dtype, key: RandomKey) -> None:
        attention_key, up_key, down_key = jax.random.split(key, 3)
        self.attention = BertAttention(size.width, size.heads, drop=drop, dtype=dtype, key=attention_key)
        self.attention_norm = LayerNorm(size.width, epsilon=_EPSILON)
        self.up = _dense(up_key, size.width, size.mlp_dim, dtype)
        self.down = _dense(down_key, size.mlp_dim, size.width, dtype)
        self.mlp_norm = LayerNorm(size.width, epsilon=_EPSILON)
        self.drop = drop

    def __call__(self, x: Float[Array, "b t d"], *, mask: Mask, keys: Keys = None) -> Float[Array, "b t d"]:
        """One block."""
        y = self.attention(x, mask=mask, keys=fold(keys, 0))
        x = self.attention_norm(dropout(y, self.drop, fold(keys, 1)) + x)
        y = self.down(jax.nn.gelu(self.up(x)))
        return self.mlp_norm(dropout(y, self.drop, fold(keys, 2)) + x)


@component("model")
class Bert(HeadedTextModel):
    """BERT, represented by its first token (arXiv:1810.04805; big_vision `proj/flaxformer/bert.py`).

    Token 0 is padding: it is not attended to. All tokens are of segment 0.

    Settings:
        size: the published size; settings below override it
        width: channels of a token
        depth: number of blocks
        heads: heads of attention
        mlp_dim: hidden units of an MLP
        vocab: entries of the vocabulary
        length: tokens of the longest text
        out_dim: outputs of the head (classes, or dims of an embedding); no head without it
        head_zeroinit: start the head at zero
        dropout: probability with which activations and attention weights are dropped in training
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products
        dtype: precision of the matrix products in the blocks

    Ports:
        text: numbers of tokens, 0 for padding
    """

    marks = MARKS

    tokens: Embedding
    positions: Embedding
    segments: Embedding
    norm: LayerNorm
    blocks: Stack[BertBlock]
    head: Dense | None
    drop: float = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)
    dtype: Dtype = eqx.field(static=True)

    def __init__(
        self,
        *,
        size: Literal["base", "large"] = "base",
        width: Count | None = None,
        depth: Depth | None = None,
        heads: Count | None = None,
        mlp_dim: Count | None = None,
        vocab: Count = 30_522,
        length: Count = 512,
        out_dim: Count | None = None,
        head_zeroinit: bool = True,
        dropout: Fraction = 0.1,
        remat: Remat = "none",
        dtype: Dtype = "float32",
        key: Key[Array, ""],
    ) -> None:
        shape, _ = resolve(
            None, _SIZES[size], width=width, depth=depth, mlp_dim=mlp_dim, heads=heads, widen=False
        )
        width = shape.width
        keys = jax.random.split(key, 3)
        tables = truncated_normal(keys[0], (vocab + length + _SEGMENTS, width), _STD)
        self.tokens = Embedding(tables[:vocab])
        self.positions = Embedding(tables[vocab : vocab + length])
        self.segments = Embedding(tables[vocab + length :])
        self.norm = LayerNorm(width, epsilon=_EPSILON)
        self.blocks = Stack.build(
            lambda k: BertBlock(shape, drop=dropout, dtype=dtype, key=k), shape.depth, keys[1]
        )
        self.head = make_head(width, out_dim, key=None if head_zeroinit else keys[2])
        self.drop = dropout
        self.remat = remat
        self.dtype = dtype

    def __call__(self, text: Text, *, keys: Keys = None) -> BertOutputs:
        """The whole model."""
        x = self._encode(text, keys)[:, 0]
        tap("pre_logits", x)
        outputs: BertOutputs = {"pre_logits": x}
        if self.head is not None:
            outputs["logits"] = gather(self.head)(x)
            tap("logits", outputs["logits"])
        return outputs

    @property
    def embed_dim(self) -> int:
        """Dims of what `embed` returns."""
        return self.norm.scale.shape[-1] if self.head is None else self.head.kernel.shape[-1]

    def naming(self) -> Naming:
        """Names in published files."""
        return naming()

    def _encode(self, text: Text, keys: Keys) -> Float[Array, "b t d"]:
        length = self.positions.embedding.shape[0]
        if text.shape[1] > length:
            raise PortError(
                "text",
                f"has {text.shape[1]} tokens, but the model knows {length} positions",
                help=f"tokenize to at most {length} tokens",
            )
        x = gather(self.tokens)(text)
        x = x + gather(self.positions).embedding[: text.shape[1]] + gather(self.segments).embedding[0]
        x = dropout(gather(self.norm)(x), self.drop, fold(keys, 0))
        real = text != 0
        mask = real[:, None, :, None] & real[:, None, None, :]
        places = fold(keys, 1)
        x = repeat(
            self.blocks,
            x,
            lambda block, x, index, _: block(x, mask=mask, keys=fold(places, index)),
            remat=self.remat,
            dtype=self.dtype,
        )
        tap("transformed", x)
        return x


def _dense(key: RandomKey, width: int, out: int, dtype: Dtype) -> Dense:
    return Dense(truncated_normal(key, (width, out), _STD), zeros((out,)), dtype)
