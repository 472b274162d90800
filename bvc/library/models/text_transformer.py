"""The text tower of SigLIP and LiT."""

from __future__ import annotations

from typing import Literal, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, Fraction, PortError, Stack, component, gather, view
from bvc.library.checkpoints.naming import HUGGING_FACE, Flat, Foreign, Mark, Naming, Shapes, Stacking, below
from bvc.library.checkpoints.repairs import renumber, summed
from bvc.library.layers import posemb as positions
from bvc.library.layers.block import Block, encode, stack
from bvc.library.layers.dense import Dense, Dtype, Embedding
from bvc.library.layers.dropout import Keys
from bvc.library.layers.headed import HeadedTextModel, Text, make_head
from bvc.library.layers.initializers import normal
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.pooling import MapHead
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size, resolve
from bvc.library.layers.tap import tap
from bvc.library.models._siglip_files import BUFFERS, TEXT
from bvc.library.models._vit_files import MAP_HEAD, encoder

Pool = Literal["last", "first", "mean", "max", "map"]


class TextOutputs(TypedDict, total=False):
    """`logits` only with a head."""

    logits: Float[Array, "b c"]
    pre_logits: Float[Array, "b d"]


@component("model")
class TextTransformer(HeadedTextModel):
    """Text encoder without masks (arXiv:2303.15343; big_vision `image_text/text_transformer.py`).

    Every position attends to every other, padding included: texts are tokenized with sticky ends.

    Settings:
        vocab: entries of the vocabulary
        length: tokens of a text
        variant: a named size such as "B"; settings below override it
        width: channels of a token; 512 without a variant
        depth: number of blocks; 12 without a variant
        heads: heads of attention; 8 without a variant
        mlp_dim: hidden units of an MLP; 2048 without a variant
        pool: what represents the text: last or first token, mean or maximum over tokens, attention pooling
        out_dim: outputs of the head (dims of the embedding); no head without it
        dropout: probability with which activations are dropped in training
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products
        dtype: precision of the matrix products in the blocks

    Ports:
        text: numbers of tokens
    """

    marks = (Mark(("Embed_0/", "Encoder_0/")), Mark(("text_model.embeddings.",), HUGGING_FACE))

    tokens: Embedding
    posemb: Float[Array, "1 t d"]
    blocks: Stack[Block]
    norm: LayerNorm
    map_head: MapHead | None
    head: Dense | None
    pool: Pool = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)
    dtype: Dtype = eqx.field(static=True)

    def __init__(
        self,
        *,
        vocab: Count = 32_000,
        length: Count = 64,
        variant: str | None = None,
        width: Count | None = None,
        depth: Depth | None = None,
        heads: Count | None = None,
        mlp_dim: Count | None = None,
        pool: Pool = "last",
        out_dim: Count | None = None,
        dropout: Fraction = 0.0,
        remat: Remat = "none",
        dtype: Dtype = "float32",
        key: Key[Array, ""],
    ) -> None:
        shape, _ = resolve(
            variant,
            Size(512, 12, 2048, 8),
            width=width,
            depth=depth,
            mlp_dim=mlp_dim,
            heads=heads,
            widen=False,
        )
        width = shape.width
        tokens_key, posemb_key, blocks_key, map_key, head_key = jax.random.split(key, 5)
        self.tokens = Embedding(normal(tokens_key, (vocab, width), width**-0.5))
        self.posemb = positions.learned(length, width, key=posemb_key)
        self.blocks = stack(shape, drop=dropout, dtype=dtype, key=blocks_key)
        self.norm = LayerNorm(width)
        self.map_head = MapHead(width, shape.heads, shape.mlp_dim, key=map_key) if pool == "map" else None
        self.head = make_head(width, out_dim, key=head_key)
        self.pool = pool
        self.remat = remat
        self.dtype = dtype

    def __call__(self, text: Text, *, keys: Keys = None) -> TextOutputs:
        """The whole model."""
        x = self._encode(text, keys)
        if self.map_head is not None:
            x = gather(self.map_head)(x)
        elif self.pool == "last":
            x = x[:, -1]
        elif self.pool == "first":
            x = x[:, 0]
        elif self.pool == "mean":
            x = jnp.mean(x, axis=1)
        else:
            # By position and not by `jnp.max`, whose gradient compares values that XLA may compute twice: NaN.
            x = jnp.take_along_axis(x, jnp.argmax(x, axis=1, keepdims=True), axis=1)[:, 0]
        tap("pre_logits", x)
        outputs: TextOutputs = {"pre_logits": x}
        if self.head is not None:
            outputs["logits"] = gather(self.head)(x)
            tap("logits", outputs["logits"])
        return outputs

    @view
    def vocab_logits(self, text: Text, *, keys: Keys = None) -> Float[Array, "b t v"]:
        """Each encoded token against the table of tokens."""
        x = self._encode(text, keys)
        return gather(self.tokens).attend(x)

    @property
    def embed_dim(self) -> int:
        """Dims of what `embed` returns."""
        return self.norm.scale.shape[-1] if self.head is None else self.head.kernel.shape[-1]

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                ("tokens", "Embed_0"),
                ("posemb", "pos_embedding"),
                *encoder("Encoder_0"),
                *below(MAP_HEAD, "map_head", "MAPHead_0"),
                ("head", "head"),
            ),
            stacks=(Stacking("Encoder_0/encoderblock"),),
            repairs=(renumber, _one_posemb),
            foreign=(
                Foreign(
                    rules=TEXT,
                    mark="text_model.embeddings",
                    besides=(*BUFFERS, r"vision_model\..*", r"logit_(scale|bias)"),
                ),
            ),
        )

    def _encode(self, text: Text, keys: Keys) -> Float[Array, "b t d"]:
        length = self.posemb.shape[1]
        if text.shape[1] != length:
            raise PortError(
                "text",
                f"has {text.shape[1]} tokens, but the model was made for {length}",
                help=f"tokenize to {length} tokens, or set the model's `length` to {text.shape[1]}",
            )
        x = gather(self.tokens)(text)
        tap("embedded", x)
        x = x + gather(self.posemb)
        x = gather(self.norm)(encode(self.blocks, x, keys=keys, remat=self.remat, dtype=self.dtype))
        tap("transformed", x)
        return x


def _one_posemb(flat: Flat, wanted: Shapes) -> Flat:
    """Add the second table of positions that some older files hold to the first."""
    del wanted
    second = "Encoder_0/pos_embedding"
    if second not in flat or "pos_embedding" not in flat:
        return flat
    rest = {name: leaf for name, leaf in flat.items() if name != second}
    return rest | {"pos_embedding": summed("pos_embedding", flat["pos_embedding"], flat[second])}
