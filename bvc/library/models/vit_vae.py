"""GIVT's first stage for UViM: images or label maps to Gaussian codes, through ViT blocks."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Num

from bvc.component import Count, Depth, Fraction, component, gather, view
from bvc.library.checkpoints.naming import Mark, Naming, Stacking
from bvc.library.layers.bottleneck import CodeDropout, kept_codes, make_maps, resample_tokens
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.gaussian import VaeOutputs, draw
from bvc.library.layers.initializers import lecun_normal, zeros
from bvc.library.layers.patch import Pair, PatchEmbedding, grid_of, pair
from bvc.library.layers.posemb import check_waves
from bvc.library.layers.repeat import Remat
from bvc.library.layers.sizes import Size, check_size
from bvc.library.layers.trunk import Posemb, Trunk
from bvc.library.models._vit_files import encoder

Codes = Float[Array, "b n k"]


@component("model")
class VitVae(eqx.Module):
    """Variational autoencoder of ViT blocks (GIVT, arXiv:2312.02116; big_vision `models/proj/givt/vit.py`).

    Settings:
        codeword_dim: channels of a code
        code_len: codes of an image
        size: side of the image in pixels, or height and width
        patch: side of a patch in pixels, or height and width
        width: channels of a token
        enc_depth: blocks of the encoder
        dec_depth: blocks of the decoder
        heads: heads of attention
        mlp_dim: hidden units of an MLP; 4 times the width without it
        posemb: learned tables, or fixed waves
        dropout: probability with which activations are dropped in training
        head_zeroinit: start the head at zero
        inout_specs: name -> channel of the label map and number of its classes; without it the model reads and
            predicts pixels of three colours
        code_dropout: hide the last codes, or random ones, from the decoder in training
        bottleneck_resize: bring the grid of patches to that of codes by interpolation instead of a learned map
        remat: what the backward pass computes again: nothing, whole blocks, or all but matrix products

    Ports:
        image: pixels in [-1, 1], or a map with a channel for each kind of label
    """

    marks = (Mark(("encoder/", "decoder/", "encoder_head/", "decoder_head/")),)

    embedding: PatchEmbedding
    encoder: Trunk
    downsample: Float[Array, "t n"] | None
    encoder_head: Dense
    decoder_stem: Dense
    upsample: Float[Array, "n t"] | None
    decoder: Trunk
    decoder_head: Dense
    inout_specs: tuple[tuple[str, tuple[int, int]], ...] = eqx.field(static=True)
    code_len: int = eqx.field(static=True)
    code_grid: Pair = eqx.field(static=True)
    patch: Pair = eqx.field(static=True)
    code_dropout: CodeDropout = eqx.field(static=True)
    remat: Remat = eqx.field(static=True)

    def __init__(
        self,
        *,
        codeword_dim: Count,
        code_len: Count = 256,
        size: Count | tuple[Count, Count] = 256,
        patch: Count | tuple[Count, Count] = 16,
        width: Count = 768,
        enc_depth: Depth = 6,
        dec_depth: Depth = 6,
        heads: Count = 12,
        mlp_dim: Count | None = None,
        posemb: Posemb = "learn",
        dropout: Fraction = 0.0,
        head_zeroinit: bool = True,
        inout_specs: dict[str, tuple[int, Count]] | None = None,
        code_dropout: CodeDropout = "none",
        bottleneck_resize: bool = False,
        remat: Remat = "none",
        key: Key[Array, ""],
    ) -> None:
        sizes = [Size(width, depth, mlp_dim or 4 * width, heads) for depth in (enc_depth, dec_depth)]
        check_size(sizes[0])
        if posemb == "sincos2d":
            check_waves(width)
        grid = grid_of(pair(size), pair(patch))
        self.inout_specs = tuple((inout_specs or {}).items())
        self.patch = pair(patch)
        self.code_len = code_len
        self.code_dropout = code_dropout
        self.remat = remat
        channels = sum(classes for _, (_, classes) in self.inout_specs) or 3
        keys = jax.random.split(key, 8)
        self.embedding = PatchEmbedding(self.patch, width, channels=channels, key=keys[0])
        self.encoder = Trunk(sizes[0], grid, posemb, drop=dropout, key=keys[1])
        maps = make_maps(grid[0] * grid[1], code_len, bottleneck_resize, keys[2], keys[3])
        self.downsample, self.upsample, self.code_grid = maps
        both = 2 * codeword_dim
        self.encoder_head = Dense(lecun_normal(keys[4], (width, both), fan_in=width), zeros((both,)))
        stem = lecun_normal(keys[5], (codeword_dim, width), fan_in=codeword_dim)
        self.decoder_stem = Dense(stem, zeros((width,)))
        self.decoder = Trunk(sizes[1], grid, posemb, drop=dropout, key=keys[6])
        out = channels * self.patch[0] * self.patch[1]
        head = zeros((width, out)) if head_zeroinit else lecun_normal(keys[7], (width, out), fan_in=width)
        self.decoder_head = Dense(head, zeros((out,)))

    def __call__(self, image: Num[Array, "b h w c"], *, keys: Keys = None) -> VaeOutputs:
        """Codes, and what the decoder makes of them."""
        mu, logvar = self._encode(image, fold(keys, 0))
        z = draw(mu, logvar, fold(keys, 1))
        dropped = fold(keys, 2)
        if dropped is not None and self.code_dropout != "none":
            z = z * kept_codes(dropped, self.code_len, self.code_dropout)[:, :, None]
        return {"mu": mu, "logvar": logvar, "z": z, "reconstruction": self._decode(z, fold(keys, 3))}

    @view
    def encode(self, image: Num[Array, "b h w c"]) -> Codes:
        """The mean of the codes."""
        return self._encode(image, None)[0]

    @view
    def reconstruct(self, image: Num[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """What the decoder makes of the mean of the codes: pixels, or the logits of all label classes."""
        return self.decode(self.encode(image))

    @view
    def decode(self, z: Codes) -> Float[Array, "b h w c"]:
        """What the decoder makes of codes: pixels, or the logits of all label classes."""
        return self._decode(z, None)

    def labels(self, reconstruction: Float[Array, "b h w c"]) -> dict[str, Float[Array, "b h w n"]]:
        """The logits of each kind of label."""
        found: dict[str, Float[Array, "b h w n"]] = {}
        start = 0
        for name, (_, classes) in self.inout_specs:
            found[name] = reconstruction[..., start : start + classes]
            start += classes
        return found

    def naming(self) -> Naming:
        """Names in published files."""
        return Naming(
            rules=(
                ("encoder/posemb", "pos_embedding_encoder"),
                ("decoder/posemb", "pos_embedding_decoder"),
                *((f"encoder/{own}", theirs) for own, theirs in encoder("encoder")),
                *((f"decoder/{own}", theirs) for own, theirs in encoder("decoder")),
                ("downsample", "bottleneck_downsample"),
                ("upsample", "bottleneck_upsample"),
            ),
            stacks=(Stacking("encoder/encoderblock"), Stacking("decoder/encoderblock")),
        )

    def _encode(self, image: Num[Array, "b h w c"], keys: Keys) -> tuple[Codes, Codes]:
        if self.inout_specs:
            maps = [
                jax.nn.one_hot(image[..., channel], classes) for _, (channel, classes) in self.inout_specs
            ]
            image = jnp.concatenate(maps, axis=-1)
        x = gather(self.embedding)(image)
        x = self.encoder(x.reshape(x.shape[0], -1, x.shape[-1]), keys=keys, remat=self.remat)
        x = resample_tokens(x, gather(self.downsample), self.encoder.grid, self.code_grid)
        mu, logvar = jnp.split(gather(self.encoder_head)(x), 2, axis=-1)
        return mu, logvar

    def _decode(self, z: Codes, keys: Keys) -> Float[Array, "b h w c"]:
        x = gather(self.decoder_stem)(z)
        x = resample_tokens(x, gather(self.upsample), self.code_grid, self.decoder.grid)
        x = gather(self.decoder_head)(self.decoder(x, keys=keys, remat=self.remat))
        (height, width), (ph, pw) = self.decoder.grid, self.patch
        x = x.reshape(x.shape[0], height, width, ph, pw, -1).transpose(0, 1, 3, 2, 4, 5)
        x = x.reshape(x.shape[0], height * ph, width * pw, -1)
        return x if self.inout_specs else jnp.clip(x, -1.0, 1.0)
