"""The vision transformer."""

from __future__ import annotations

from typing import Literal, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, Fraction, PortError, Stack, component, gather, view
from bvc.library.checkpoints.naming import Naming
from bvc.library.layers import posemb as positions
from bvc.library.layers.block import Bias, Block, Wiring, encode, stack
from bvc.library.layers.dense import Dense, Dtype
from bvc.library.layers.dropout import Keys, dropout, fold
from bvc.library.layers.headed import HeadedImageModel, Image, make_head
from bvc.library.layers.initializers import lecun_normal, zeros
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.patch import PatchEmbedding, grid_of, pair
from bvc.library.layers.pooling import MapHead
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size, resolve
from bvc.library.layers.tap import scope, tap
from bvc.library.models._vit_files import FOREIGN_MARKS, MARKS, naming

Pool = Literal["gap", "map", "tok", "first", "none"]


class VitOutputs(TypedDict, total=False):
    """`logits` only with a head; with `pool = "none"` both have a dim of tokens."""

    logits: Float[Array, "b c"] | Float[Array, "b t c"]
    pre_logits: Float[Array, "b d"] | Float[Array, "b t d"]


class PatchOutputs(TypedDict, total=False):
    """What the head makes of each patch, on the grid of patches."""

    logits: Float[Array, "b gh gw c"]
    pre_logits: Float[Array, "b gh gw d"]


@component("model")
class Vit(HeadedImageModel):
    """Vision transformer (arXiv:2010.11929; big_vision `models/vit.py`).

    Settings:
        variant: a named size with or without a patch, "B/16"; settings below override it
        width: channels of a token; 768 without a variant
        depth: number of blocks; 12 without a variant
        heads: heads of attention; 12 without a variant
        mlp_dim: hidden units of an MLP; 4 times the width without a variant
        patch: side of a patch in pixels, or height and width; 16 without a variant
        size: side of the image in pixels, or height and width; a learned posemb has one entry for each of its
            patches, and 224 is its default
        remainder: what becomes of pixels beyond the last whole patch: an error, or they are left out, as SigLIP's
            So400m/14 does at 384
        pool: what represents the image: mean over patches, attention pooling, an extra token, the first
            patch, or every patch for itself
        posemb: a learned table, or fixed waves
        patch_norm: normalize the pixels of each patch, and its token (Dual PatchNorm, arXiv:2302.01327)
        block: attention and then the MLP, or both in parallel on one norm (ViT-22B, arXiv:2302.05442)
        qk_norm: normalize queries and keys head by head (ViT-22B)
        bias: biases of query, key and value, and of norms: bias = { qkv = false, norm = false } as in ViT-22B
        rep_size: width of a tanh layer before the head; true is the model's width
        out_dim: outputs of the head (classes, or dims of an embedding); no head without it
        head_zeroinit: start the head at zero
        head_bias: value at which the head's bias starts
        dropout: probability with which activations are dropped in training
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products
        dtype: precision of the matrix products in patch embedding and blocks

    Ports:
        image: pixels, in whatever range the training used
    """

    marks = (*MARKS, *FOREIGN_MARKS)

    embedding: PatchEmbedding
    posemb: Float[Array, "1 t d"] | None
    cls: Float[Array, "1 1 d"] | None
    blocks: Stack[Block]
    norm: LayerNorm
    map_head: MapHead | None
    representation: Dense | None
    head: Dense | None
    size: tuple[int, int] | None = eqx.field(static=True)
    pool: Pool = eqx.field(static=True)
    drop: float = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)
    dtype: Dtype = eqx.field(static=True)

    def __init__(
        self,
        *,
        variant: str | None = None,
        width: Count | None = None,
        depth: Depth | None = None,
        heads: Count | None = None,
        mlp_dim: Count | None = None,
        patch: Count | tuple[Count, Count] | None = None,
        size: Count | tuple[Count, Count] | None = None,
        remainder: Literal["error", "cut"] = "error",
        pool: Pool = "gap",
        posemb: Literal["learn", "sincos2d"] = "learn",
        patch_norm: bool = False,
        block: Literal["serial", "parallel"] = "serial",
        qk_norm: bool = False,
        bias: Bias = Bias(),  # noqa: B008 - frozen
        rep_size: bool | Count = False,
        out_dim: Count | None = None,
        head_zeroinit: bool = True,
        head_bias: float = 0.0,
        dropout: Fraction = 0.0,
        remat: Remat = "none",
        dtype: Dtype = "float32",
        key: Key[Array, ""],
    ) -> None:
        shape, named_patch = resolve(
            variant, Size(768, 12, 3072, 12), width=width, depth=depth, mlp_dim=mlp_dim, heads=heads
        )
        width = shape.width
        patches = pair(patch or named_patch or 16)
        if size is None and posemb == "learn":
            size = 224
        grid = None if size is None else grid_of(pair(size), patches, remainder)
        if posemb == "sincos2d":
            positions.check_waves(width)

        embed_key, posemb_key, blocks_key, map_key, rep_key, head_key = jax.random.split(key, 6)
        self.embedding = PatchEmbedding(
            patches, width, norm=patch_norm, remainder=remainder, dtype=dtype, key=embed_key
        )
        self.posemb = None
        if posemb == "learn" and grid is not None:
            self.posemb = positions.learned(grid[0] * grid[1], width, key=posemb_key)
        self.cls = zeros((1, 1, width)) if pool == "tok" else None
        wiring = Wiring(block, qk_norm, bias)
        self.blocks = stack(shape, wiring=wiring, drop=dropout, dtype=dtype, key=blocks_key)
        self.norm = LayerNorm(width, bias=bias.norm)
        self.map_head = MapHead(width, shape.heads, shape.mlp_dim, key=map_key) if pool == "map" else None
        self.representation = None
        if rep_size:
            rep = width if rep_size is True else rep_size
            self.representation = Dense(lecun_normal(rep_key, (width, rep), fan_in=width), zeros((rep,)))
            width = rep
        self.head = make_head(width, out_dim, key=None if head_zeroinit else head_key, bias=head_bias)
        self.size = None if size is None else pair(size)
        self.pool = pool
        self.drop = dropout
        self.remat = remat
        self.dtype = dtype

    def __call__(self, image: Image, *, keys: Keys = None) -> VitOutputs:
        """The whole model."""
        encoded, _ = self._encode(image, keys)
        outputs: VitOutputs = {"pre_logits": self._represent(self._pool(encoded))}
        tap("pre_logits", outputs["pre_logits"])
        if self.head is not None:
            outputs["logits"] = gather(self.head)(outputs["pre_logits"])
            tap("logits", outputs["logits"])
        return outputs

    @view
    def patches(self, image: Image, *, keys: Keys = None) -> PatchOutputs:
        """The head on each patch instead of on what represents the image."""
        encoded, grid = self._encode(image, keys)
        if self.cls is not None:
            encoded = encoded[:, 1:]
        x = self._represent(encoded.reshape(encoded.shape[0], *grid, -1))
        return {"pre_logits": x} if self.head is None else {"pre_logits": x, "logits": gather(self.head)(x)}

    @view
    def encode(self, image: Image, *, keys: Keys = None) -> Float[Array, "b t d"]:
        """The tokens after the last block, normalized: what a decoder reads."""
        return self._encode(image, keys)[0]

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self.norm.scale.shape[-1]

    @property
    def embed_dim(self) -> int:
        """Dims of what `embed` returns."""
        if self.head is not None:
            return self.head.kernel.shape[-1]
        last = self.norm.scale if self.representation is None else self.representation.kernel
        return last.shape[-1]

    def naming(self) -> Naming:
        """Names in published files."""
        return naming()

    def _encode(self, image: Image, keys: Keys) -> tuple[Float[Array, "b t d"], tuple[int, int]]:
        if self.size is not None and image.shape[1:3] != self.size:
            raise PortError(
                "image",
                f"is {image.shape[1]} x {image.shape[2]} pixels, but the model was made for "
                f"{self.size[0]} x {self.size[1]}",
                help=f"resize images, or set the model's `size` to [{image.shape[1]}, {image.shape[2]}]",
            )
        x = gather(self.embedding, self.dtype)(image)
        tap("stem", x)
        batch, *grid, width = x.shape
        x = x.reshape(batch, -1, width)
        if self.posemb is None:
            x = x + positions.sincos2d(grid[0], grid[1], width).astype(x.dtype)
        else:
            x = x + gather(self.posemb).astype(x.dtype)
        tap("with_posemb", x)
        if self.cls is not None:
            cls = jnp.broadcast_to(gather(self.cls).astype(x.dtype), (batch, 1, width))
            x = jnp.concatenate([cls, x], axis=1)
        x = dropout(x, self.drop, fold(keys, 0))
        with scope("encoder"):
            x = encode(self.blocks, x, keys=fold(keys, 1), remat=self.remat, dtype=self.dtype)
        x = gather(self.norm)(x)
        tap("encoded", x)
        return x, (grid[0], grid[1])

    def _pool(self, x: Float[Array, "b t d"]) -> Float[Array, "b d"] | Float[Array, "b t d"]:
        if self.map_head is not None:
            x = gather(self.map_head)(x)
        elif self.pool == "gap":
            x = jnp.mean(x, axis=1)
        elif self.pool in ("tok", "first"):
            x = x[:, 0]
        if self.pool != "none":
            tap("head_input", x)
        return x

    def _represent(self, x: Float[Array, "*b d"]) -> Float[Array, "*b r"]:
        return x if self.representation is None else jnp.tanh(gather(self.representation)(x))
