"""UViM's first stage: label maps to codes and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from bvc.component import (
    Count,
    Depth,
    Fraction,
    NonNegative,
    PortError,
    SettingError,
    advances,
    component,
    gather,
    view,
)
from bvc.library.checkpoints.naming import Mark, Naming
from bvc.library.checkpoints.repairs import moved, renumber
from bvc.library.layers import posemb as positions
from bvc.library.layers.bottleneck import CodeDropout, kept_codes, make_maps, resample_tokens
from bvc.library.layers.codebook import (
    Codebook,
    Quantized,
    code_of_levels,
    levels_of_code,
    round_to_levels,
    straight_through,
)
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.flatten import Flatten, Tokens, Unflatten
from bvc.library.layers.headed import Image
from bvc.library.layers.initializers import lecun_normal, zeros
from bvc.library.layers.patch import PatchEmbedding, grid_of, pair
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size, check_size
from bvc.library.layers.tap import tap
from bvc.library.layers.trunk import Posemb, Trunk
from bvc.library.models._vit_files import encoder

Arrays = Mapping[str, Float[Array, "b t ..."]]


class VqVaeOutputs(Quantized, total=False):
    """The predicted arrays, and what was quantized on the way."""

    logits: Arrays


@component("model")
class VqVae(eqx.Module):
    """Autoencoder of label maps with discrete codes (UViM, arXiv:2205.10337; big_vision `uvim/vit.py`).

    It reads patches of labels, one array for each name of `inputs`, and can see the image as context.

    Settings:
        inputs: name -> shape of what is read at each position of the grid
        outputs: name -> shape of what is predicted at each position
        size: side of the image in pixels, or height and width
        patch: side of a patch in pixels, or height and width
        code_len: codes of an image
        width: channels of a token
        enc_depth: blocks of the encoder
        dec_depth: blocks of the decoder
        heads: heads of attention
        mlp_dim: hidden units of an MLP; 4 times the width without it
        posemb: learned tables, or fixed waves
        dropout: probability with which the encoder's activations are dropped in training
        head_zeroinit: start the heads at zero
        quantizer: a learned codebook, fixed levels (FSQ, arXiv:2309.15505), or nothing
        levels: levels of each channel, for fixed levels
        dict_size: entries of the codebook
        codeword_dim: channels of a codeword; the width without it
        dict_momentum: what remains of the codebook's statistics after a step
        min_count: discounted count below which an entry is replaced
        encoder_context: show the image to the encoder
        decoder_context: show the image to the decoder
        code_dropout: hide the last codes, or random ones, from the decoder in training
        bottleneck_resize: bring the grid of patches to that of codes by interpolation instead of a learned map
        zero_decoder_seq: hide the codes from the decoder
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products
    """

    marks = (Mark(("state/dictionary", "decoder_stem/")), Mark(("embedding_", "head_", "decoder_stem/")))

    embeddings: dict[str, Flatten]
    context_in: PatchEmbedding | None
    encoder: Trunk
    downsample: Float[Array, "t n"] | None
    encoder_head: Dense
    codebook: Codebook | None
    decoder_stem: Dense
    upsample: Float[Array, "n t"] | None
    context_out: PatchEmbedding | None
    decoder: Trunk
    heads: dict[str, Unflatten]
    code_len: int = eqx.field(static=True)
    code_grid: tuple[int, int] = eqx.field(static=True)
    levels: tuple[int, ...] = eqx.field(static=True)
    momentum: float = eqx.field(static=True)
    min_count: float = eqx.field(static=True)
    quantizer: Literal["vq", "fsq", "none"] = eqx.field(static=True)
    code_dropout: CodeDropout = eqx.field(static=True)
    blind: bool = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        inputs: dict[str, tuple[Count, ...]],
        outputs: dict[str, tuple[Count, ...]],
        size: Count | tuple[Count, Count] = 256,
        patch: Count | tuple[Count, Count] = 8,
        code_len: Count = 256,
        width: Count = 768,
        enc_depth: Depth = 6,
        dec_depth: Depth = 6,
        heads: Count = 12,
        mlp_dim: Count | None = None,
        posemb: Posemb = "learn",
        dropout: Fraction = 0.0,
        head_zeroinit: bool = True,
        quantizer: Literal["vq", "fsq", "none"] = "vq",
        levels: tuple[Count, ...] = (),
        dict_size: Count = 512,
        codeword_dim: Count | None = None,
        dict_momentum: Fraction = 0.995,
        min_count: NonNegative = 0.1,
        encoder_context: bool = False,
        decoder_context: bool = False,
        code_dropout: CodeDropout = "none",
        bottleneck_resize: bool = False,
        zero_decoder_seq: bool = False,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        sizes = [Size(width, depth, mlp_dim or 4 * width, heads) for depth in (enc_depth, dec_depth)]
        check_size(sizes[0])
        if (quantizer == "fsq") != bool(levels):
            raise SettingError("levels", 'are for quantizer = "fsq", which needs them')
        if posemb == "sincos2d":
            positions.check_waves(width)
        grid = grid_of(pair(size), pair(patch))
        dim = len(levels) if levels else codeword_dim or width
        keys = jax.random.split(key, 11)
        self.embeddings = {
            name: Flatten(shape, width, key=k)
            for (name, shape), k in zip(inputs.items(), jax.random.split(keys[0], len(inputs)), strict=True)
        }
        self.context_in = PatchEmbedding(pair(patch), width, key=keys[1]) if encoder_context else None
        self.encoder = Trunk(sizes[0], grid, posemb, drop=dropout, key=keys[2])
        maps = make_maps(grid[0] * grid[1], code_len, bottleneck_resize, keys[3], keys[4])
        self.downsample, self.upsample, self.code_grid = maps
        self.encoder_head = Dense(lecun_normal(keys[5], (width, dim), fan_in=width), zeros((dim,)))
        self.codebook = None if quantizer == "fsq" else Codebook.build(dict_size, dim, key=keys[6])
        self.decoder_stem = Dense(lecun_normal(keys[7], (dim, width), fan_in=dim), zeros((width,)))
        self.context_out = PatchEmbedding(pair(patch), width, key=keys[8]) if decoder_context else None
        self.decoder = Trunk(sizes[1], grid, posemb, drop=0.0, key=keys[9])
        self.heads = {
            name: Unflatten(width, shape, zero=head_zeroinit, key=k)
            for (name, shape), k in zip(
                outputs.items(), jax.random.split(keys[10], len(outputs)), strict=True
            )
        }
        self.code_len = code_len
        self.levels = tuple(levels)
        self.momentum = dict_momentum
        self.min_count = min_count
        self.quantizer = quantizer
        self.code_dropout = code_dropout
        self.blind = zero_decoder_seq
        self.remat = remat

    @property
    def shapes(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """What is read and what is predicted at each position of the grid: name -> shape."""
        read = {name: embed.kernel.shape[:-1] for name, embed in self.embeddings.items()}
        return read, {name: head.bias.shape for name, head in self.heads.items()}

    def __call__(self, x: Arrays, ctx: Image | None = None, *, keys: Keys = None) -> VqVaeOutputs:
        """Codes of the labels, and what the decoder makes of them."""
        before = self._compress(x, ctx, fold(keys, 0))
        code, quantized = self._quantize(before)
        outputs: VqVaeOutputs = {"bottleneck": before, "bottleneck_q": quantized, "code": code}
        if self.codebook is not None:
            outputs["counts"], outputs["sums"] = self.codebook.statistics(before, code)
        outputs["logits"] = self._expand(quantized, ctx, fold(keys, 1))
        return outputs

    @view
    def codes(self, x: Arrays, ctx: Image | None = None) -> Int[Array, "b n"]:
        """The codes of labels."""
        return self._quantize(self._compress(x, ctx, None))[0]

    @view
    def decode(self, code: Int[Array, "b n"], ctx: Image | None = None) -> Arrays:
        """Labels of codes."""
        if self.codebook is None:
            return self._expand(levels_of_code(code, self.levels), ctx, None)
        return self._expand(gather(self.codebook).codewords()[code], ctx, None)

    @advances("sum")
    def advanced(
        self, counts: Int[Array, "v"], sums: Float[Array, "v k"], *, key: Key[Array, ""]
    ) -> eqx.Module:
        """The model after a step, from the statistics of the whole batch."""
        if self.codebook is None:
            return self
        codebook = self.codebook.advanced(
            counts, sums, momentum=self.momentum, min_count=self.min_count, key=key
        )
        return eqx.tree_at(lambda model: model.codebook, self, codebook)

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                *((f"embeddings/{name}", f"embedding_{name}") for name in self.embeddings),
                *((f"heads/{name}", f"head_{name}") for name in self.heads),
                ("context_in", "ctx_enc_embedding"),
                ("context_out", "ctx_dec_embedding"),
                ("encoder/posemb", "pos_embedding_encoder"),
                ("decoder/posemb", "pos_embedding_decoder"),
                *((f"encoder/{own}", theirs) for own, theirs in encoder("encoder")),
                *((f"decoder/{own}", theirs) for own, theirs in encoder("decoder")),
                ("downsample", "bottleneck_downsample"),
                ("upsample", "bottleneck_upsample"),
                ("codebook", "state"),
            ),
            repairs=(renumber, moved({"Encoder": "encoder", "Decoder": "decoder"})),
        )

    def _compress(self, x: Arrays, ctx: Image | None, keys: Keys) -> Float[Array, "b n k"]:
        if set(x) != set(self.embeddings):
            raise PortError("x", f"holds {sorted(x)}, but the model reads {sorted(self.embeddings)}")
        stems = {name: gather(embed)(x[name]) for name, embed in self.embeddings.items()}
        for name, stem in stems.items():
            tap(f"stem/{name}", stem)
        tokens: Tokens = sum(stems.values(), start=jnp.asarray(self._context(self.context_in, ctx)))
        tokens = self.encoder(tokens, keys=keys, remat=self.remat)
        tokens = resample_tokens(tokens, gather(self.downsample), self.encoder.grid, self.code_grid)
        tokens = gather(self.encoder_head)(tokens)
        return tokens if self.quantizer == "fsq" else jax.nn.standardize(tokens, axis=-1)

    def _quantize(self, x: Float[Array, "b n k"]) -> tuple[Int[Array, "b n"], Float[Array, "b n k"]]:
        if self.codebook is None:
            quantized = round_to_levels(x, self.levels)
            return code_of_levels(quantized, self.levels), quantized
        codebook = gather(self.codebook)
        code = codebook.nearest(x)
        return code, x if self.quantizer == "none" else straight_through(x, codebook.codewords()[code])

    def _expand(self, x: Float[Array, "b n k"], ctx: Image | None, keys: Keys) -> Arrays:
        if self.blind:
            x = jnp.zeros_like(x)
        if keys is not None and self.code_dropout != "none":
            x = x * kept_codes(keys, self.code_len, self.code_dropout)[:, :, None]
        x = resample_tokens(
            gather(self.decoder_stem)(x),
            gather(self.upsample),
            self.code_grid,
            self.decoder.grid,
        )
        x = self.decoder(x + self._context(self.context_out, ctx), remat=self.remat)
        return {name: gather(head)(x) for name, head in self.heads.items()}

    def _context(self, embedding: PatchEmbedding | None, ctx: Image | None) -> Tokens | float:
        if embedding is None:
            return 0.0
        if ctx is None:
            raise PortError("ctx", "is needed: the model sees the image as context")
        tokens = gather(embedding)(ctx)
        return tokens.reshape(tokens.shape[0], -1, tokens.shape[-1])
