"""FlexiViT: one set of weights for many patch sizes."""

from __future__ import annotations

import math
from typing import Literal, TypedDict

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, PortError, Stack, component, gather, view
from bvc.library.checkpoints.kernel import pi_matrix, resize_kernel
from bvc.library.checkpoints.naming import Naming
from bvc.library.layers import posemb as positions
from bvc.library.layers.block import Block, encode, stack
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys
from bvc.library.layers.headed import Image, make_head
from bvc.library.layers.initializers import RandomKey, normal, zeros
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.patch import Pair, flat_patches, pair
from bvc.library.layers.pooling import MapHead
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size, resolve
from bvc.library.layers.tap import scope, tap
from bvc.library.models._vit_files import MARKS, naming


class FlexiVitOutputs(TypedDict, total=False):
    """`logits` only with a head."""

    logits: Float[Array, "b c"]
    pre_logits: Float[Array, "b d"]


class FlexiPatchEmbedding(eqx.Module):
    """Patches through a linear map whose kernel is resized to the patch that is asked for."""

    kernel: Float[Array, "h w 3 d"]
    bias: Float[Array, "d"]

    def __init__(self, patch: Pair, width: int, *, key: RandomKey) -> None:
        self.kernel = normal(key, (*patch, 3, width), 1 / math.sqrt(width))
        self.bias = zeros((width,))

    def __call__(self, image: Image, patch: Pair) -> Float[Array, "b gh gw d"]:
        """The tokens on their grid; pixels beyond the last whole patch are left out."""
        patches = flat_patches(image, patch)
        kernel = self.resized(patch)
        return patches @ kernel.reshape(-1, kernel.shape[-1]) + self.bias

    def resized(self, patch: Pair) -> Float[Array, "H W 3 d"]:
        """The kernel for this patch."""
        old = (self.kernel.shape[0], self.kernel.shape[1])
        if old == patch:
            return self.kernel
        matrices = [jnp.asarray(pi_matrix(o, n), jnp.float32) for o, n in zip(old, patch, strict=True)]
        return jnp.einsum("yi,xj,ijcd->yxcd", *matrices, self.kernel)


@component("model")
class FlexiVit(eqx.Module):
    """ViT whose patch size is chosen at each call (arXiv:2212.08013; big_vision `models/proj/flexi/vit.py`).

    Settings:
        variant: a named size with or without a patch, "B/32"; settings below override it
        width: channels of a token; 768 without a variant
        depth: number of blocks; 12 without a variant
        heads: heads of attention; 12 without a variant
        mlp_dim: hidden units of an MLP; 4 times the width without a variant
        patch: side of the stored kernel in pixels, or height and width; 32 without a variant
        posemb_size: side of the stored grid of positions, or height and width
        seqhw: patches along each side of the image in calls that do not say it themselves; without it, as many
            as patches of the stored size
        pool: what represents the image: mean over patches, attention pooling, or an extra token
        posemb: a learned table, or fixed waves
        out_dim: outputs of the head; no head without it
        head_zeroinit: start the head at zero
        head_bias: value at which the head's bias starts
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products

    Ports:
        image: pixels
    """

    marks = MARKS

    embedding: FlexiPatchEmbedding
    posemb: Float[Array, "1 t d"] | None
    cls: Float[Array, "1 1 d"] | None
    blocks: Stack[Block]
    norm: LayerNorm
    map_head: MapHead | None
    head: Dense | None
    posemb_size: Pair = eqx.field(static=True)
    seqhw: int | None = eqx.field(static=True)
    pool: Literal["gap", "map", "tok"] = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        variant: str | None = None,
        width: Count | None = None,
        depth: Depth | None = None,
        heads: Count | None = None,
        mlp_dim: Count | None = None,
        patch: Count | tuple[Count, Count] | None = None,
        posemb_size: Count | tuple[Count, Count] = 7,
        seqhw: Count | None = None,
        pool: Literal["gap", "map", "tok"] = "gap",
        posemb: Literal["learn", "sincos2d"] = "learn",
        out_dim: Count | None = None,
        head_zeroinit: bool = True,
        head_bias: float = 0.0,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        shape, named_patch = resolve(
            variant, Size(768, 12, 3072, 12), width=width, depth=depth, mlp_dim=mlp_dim, heads=heads
        )
        width = shape.width
        if posemb == "sincos2d":
            positions.check_waves(width)
        grid = pair(posemb_size)
        embed_key, posemb_key, blocks_key, map_key, head_key = jax.random.split(key, 5)
        self.embedding = FlexiPatchEmbedding(pair(patch or named_patch or 32), width, key=embed_key)
        self.posemb = (
            positions.learned(grid[0] * grid[1], width, key=posemb_key) if posemb == "learn" else None
        )
        self.cls = zeros((1, 1, width)) if pool == "tok" else None
        self.blocks = stack(shape, key=blocks_key)
        self.norm = LayerNorm(width)
        self.map_head = MapHead(width, shape.heads, shape.mlp_dim, key=map_key) if pool == "map" else None
        self.head = make_head(width, out_dim, key=None if head_zeroinit else head_key, bias=head_bias)
        self.posemb_size = grid
        self.seqhw = seqhw
        self.pool = pool
        self.remat = remat

    def __call__(self, image: Image, *, seqhw: Count | None = None, keys: Keys = None) -> FlexiVitOutputs:
        """The whole model, with the image cut into about `seqhw` x `seqhw` patches; nothing in it is random."""
        del keys
        x = self._encode(image, seqhw or self.seqhw)
        if self.map_head is not None:
            x = gather(self.map_head)(x)
        else:
            x = jnp.mean(x, axis=1) if self.pool == "gap" else x[:, 0]
        tap("head_input", x)
        tap("pre_logits", x)
        outputs: FlexiVitOutputs = {"pre_logits": x}
        if self.head is not None:
            outputs["logits"] = gather(self.head)(x)
            tap("logits", outputs["logits"])
        return outputs

    @view
    def logits(self, image: Image, *, seqhw: Count | None = None) -> Float[Array, "b c"]:
        """What the head says at a number of patches."""
        if self.head is None:
            raise PortError("logits", "needs a head", help="set `out_dim` to the number of outputs")
        return self(image, seqhw=seqhw)["logits"]

    @view
    def pre_logits(self, image: Image, *, seqhw: Count | None = None) -> Float[Array, "b d"]:
        """What the head reads at a number of patches."""
        return self(image, seqhw=seqhw)["pre_logits"]

    @view
    def embed(self, image: Image, *, seqhw: Count | None = None, keys: Keys = None) -> Float[Array, "b d"]:
        """The last output that there is: of the head, or without one what a head would read."""
        outputs = self(image, seqhw=seqhw, keys=keys)
        return outputs.get("logits", outputs["pre_logits"])

    @property
    def embed_dim(self) -> int:
        """Dims of what `embed` returns."""
        return self.norm.scale.shape[-1] if self.head is None else self.head.kernel.shape[-1]

    def naming(self) -> Naming:
        """Names in published files: those of a ViT, whose patch embedding may be of any size."""
        return naming(resizes={"embedding/kernel": resize_kernel})

    def _encode(self, image: Image, seqhw: int | None) -> Float[Array, "b t d"]:
        embedding = gather(self.embedding)
        patch = (embedding.kernel.shape[0], embedding.kernel.shape[1])
        if seqhw is not None:
            patch = (image.shape[1] // seqhw, image.shape[2] // seqhw)
        if 0 in patch:
            raise PortError("image", f"has fewer pixels than {seqhw} patches along a side")
        x = embedding(image, patch)
        tap("stem", x)
        batch, height, width, channels = x.shape
        x = x.reshape(batch, -1, channels) + self._positions(height, width, channels)
        tap("with_posemb", x)
        if self.cls is not None:
            x = jnp.concatenate([jnp.broadcast_to(gather(self.cls), (batch, 1, channels)), x], axis=1)
        with scope("encoder"):
            x = encode(self.blocks, x, remat=self.remat)
        x = gather(self.norm)(x)
        tap("encoded", x)
        return x

    def _positions(self, height: int, width: int, channels: int) -> Float[Array, "1 t d"]:
        table = (
            positions.sincos2d(*self.posemb_size, channels) if self.posemb is None else gather(self.posemb)
        )
        if table.shape[1] == height * width:
            return table
        grid = jax.image.resize(
            table.reshape(1, *self.posemb_size, channels), (1, height, width, channels), "linear"
        )
        return grid.reshape(1, -1, channels)
