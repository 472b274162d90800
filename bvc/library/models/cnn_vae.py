"""GIVT's first stage for images: pixels to Gaussian codes, through convolutions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Count, Depth, PortError, SettingError, component, gather, view
from bvc.library.checkpoints.naming import Mark, Naming, Rules
from bvc.library.checkpoints.repairs import moved
from bvc.library.layers.bottleneck import CodeDropout, kept_codes
from bvc.library.layers.conv import Conv, average_pool
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.gaussian import VaeOutputs, draw
from bvc.library.layers.group_norm import GroupNorm
from bvc.library.layers.headed import Image
from bvc.library.layers.initializers import RandomKey
from bvc.library.layers.norm import LayerNorm
from bvc.library.layers.patch import Pair, pair

Norm = Literal["group", "layer"]
Activation = Literal["swish", "relu"]
Codes = Float[Array, "b n k"]
Features = Float[Array, "b h w c"]

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"swish": jax.nn.swish, "relu": jax.nn.relu}
_GROUPS = 32


def _norm(kind: Norm, channels: int) -> GroupNorm | LayerNorm:
    if kind == "layer":
        return LayerNorm(channels, exact=True)
    if channels % _GROUPS:
        raise SettingError("filters", f"give {channels} channels: group norm needs a multiple of {_GROUPS}")
    return GroupNorm(channels, groups=_GROUPS, exact=True)


class ResBlock(eqx.Module):
    """Two pre-normed convolutions; where channels change, their result passes a 1 x 1 convolution to be added."""

    norm0: GroupNorm | LayerNorm
    conv0: Conv
    norm1: GroupNorm | LayerNorm
    conv1: Conv
    shortcut: Conv | None
    activation: Activation = eqx.field(static=True)

    def __init__(
        self, channels: int, out: int, norm: Norm, activation: Activation, *, key: RandomKey
    ) -> None:
        key0, key1, shortcut_key = jax.random.split(key, 3)
        self.norm0 = _norm(norm, channels)
        self.conv0 = Conv(3, channels, out, bias=False, key=key0)
        self.norm1 = _norm(norm, out)
        self.conv1 = Conv(3, out, out, bias=False, key=key1)
        self.shortcut = Conv(1, out, out, bias=False, key=shortcut_key) if channels != out else None
        self.activation = activation

    def __call__(self, x: Features) -> Float[Array, "b H W d"]:
        """One block."""
        activate = _ACTIVATIONS[self.activation]
        y = self.conv0(activate(self.norm0(x)))
        y = self.conv1(activate(self.norm1(y)))
        # As in the published models, the shortcut reads the main branch's result and not the block's input.
        return y + (x if self.shortcut is None else self.shortcut(y))


class Coder(eqx.Module):
    """A convolution, blocks with changes of resolution between them, norm, convolution."""

    stem: Conv
    blocks: tuple[ResBlock, ...]
    resizes: tuple[Conv, ...]
    norm: GroupNorm | LayerNorm
    out: Conv
    plan: tuple[int, ...] = eqx.field(static=True)
    up: bool = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)

    def __call__(self, x: Features) -> Float[Array, "b H W d"]:
        """Pixels to features, or back. `plan` says how many blocks come before each change of resolution."""
        x = gather(self.stem)(x)
        blocks = iter(self.blocks)
        for level, count in enumerate(self.plan):
            for _ in range(count):
                x = gather(next(blocks))(x)
            if level < len(self.plan) - 1:
                x = self._resized(x, level)
        x = _ACTIVATIONS[self.activation](gather(self.norm)(x))
        return gather(self.out)(x)

    def _resized(self, x: Features, level: int) -> Float[Array, "b H W c"]:
        if self.up:
            x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
        elif not self.resizes:
            return average_pool(x)
        return gather(self.resizes[level])(x)

    def rules(self, prefix: str, norm: str) -> Rules:
        """Names in published files, which number convolutions and blocks in the order of their use."""
        return (
            ("stem", f"{prefix}/Conv_0"),
            ("resizes/{i:d}", f"{prefix}/Conv_{{i+1}}"),
            ("out", f"{prefix}/Conv_{len(self.resizes) + 1}"),
            ("norm", f"{prefix}/{norm}_0"),
            ("blocks/{i:d}/norm0", f"{prefix}/ResBlock_{{i}}/{norm}_0"),
            ("blocks/{i:d}/norm1", f"{prefix}/ResBlock_{{i}}/{norm}_1"),
            ("blocks/{i:d}/conv0", f"{prefix}/ResBlock_{{i}}/Conv_0"),
            ("blocks/{i:d}/conv1", f"{prefix}/ResBlock_{{i}}/Conv_1"),
            ("blocks/{i:d}/shortcut", f"{prefix}/ResBlock_{{i}}/Conv_2"),
        )


@component("model")
class CnnVae(eqx.Module):
    """Variational autoencoder of convolutions (GIVT, arXiv:2312.02116; big_vision `models/proj/givt/cnn.py`).

    Settings:
        codeword_dim: channels of a code, before pixels are folded into it
        filters: channels of the first level
        num_res_blocks: blocks of each level
        channel_multipliers: factor on the channels for each level; between levels the resolution halves
        conv_downsample: halve the resolution by convolutions instead of means
        norm: groups of 32 channels, or all channels of a pixel
        activation: what follows each norm
        output_dim: channels of the reconstruction
        unit_range: the network itself works on pixels in [0, 1], and the codes' log variance is kept in [-30, 20]
        pixel_shuffle_patch_size: height and width of what is folded into one code
        code_dropout: hide the last codes, or random ones, from the decoder in training

    Ports:
        image: pixels in [-1, 1]; height and width are equal
    """

    marks = (Mark(("cnn_encoder/",)), Mark(("ema_params/encoder/", "ema_params/decoder/"), "MaskGIT"))

    encoder: Coder
    decoder: Coder
    norm: Norm = eqx.field(static=True)
    unit_range: bool = eqx.field(static=True)
    fold_size: Pair = eqx.field(static=True)
    code_dropout: CodeDropout = eqx.field(static=True)

    def __init__(
        self,
        *,
        codeword_dim: Count,
        filters: Count = 128,
        num_res_blocks: Depth = 2,
        channel_multipliers: tuple[Count, ...] = (1, 1, 2, 2, 4),
        conv_downsample: bool = False,
        norm: Norm = "group",
        activation: Activation = "swish",
        output_dim: Count = 3,
        unit_range: bool = False,
        pixel_shuffle_patch_size: Count | tuple[Count, Count] = 1,
        code_dropout: CodeDropout = "none",
        key: Key[Array, ""],
    ) -> None:
        levels = [filters * factor for factor in channel_multipliers]
        counts = [num_res_blocks] * len(levels)
        keys = iter(jax.random.split(key, 8 + 4 * len(levels) * (num_res_blocks + 1)))

        def blocks(channels: int, outs: list[int]) -> tuple[ResBlock, ...]:
            ins = [channels, *outs[:-1]]
            pairs = zip(ins, outs, strict=True)
            return tuple(ResBlock(i, o, norm, activation, key=next(keys)) for i, o in pairs)

        down = [channels for channels in levels for _ in range(num_res_blocks)] + [
            levels[-1]
        ] * num_res_blocks
        halves = [Conv(4, c, c, bias=True, stride=2, key=next(keys)) for c in levels[:-1]]
        self.encoder = Coder(
            stem=Conv(3, 3, filters, bias=False, key=next(keys)),
            blocks=blocks(filters, down),
            resizes=tuple(halves) if conv_downsample else (),
            norm=_norm(norm, levels[-1]),
            out=Conv(1, levels[-1], 2 * codeword_dim, bias=True, key=next(keys)),
            plan=(*counts[:-1], counts[-1] + num_res_blocks),
            up=False,
            activation=activation,
        )
        rise = levels[::-1]
        up = [rise[0]] * num_res_blocks + [channels for channels in rise for _ in range(num_res_blocks)]
        self.decoder = Coder(
            stem=Conv(3, codeword_dim, rise[0], bias=True, key=next(keys)),
            blocks=blocks(rise[0], up),
            resizes=tuple(Conv(3, c, c, bias=True, key=next(keys)) for c in rise[:-1]),
            norm=_norm(norm, rise[-1]),
            out=Conv(3, rise[-1], output_dim, bias=True, key=next(keys)),
            plan=(counts[0] + num_res_blocks, *counts[1:]),
            up=True,
            activation=activation,
        )
        self.norm = norm
        self.unit_range = unit_range
        self.fold_size = pair(pixel_shuffle_patch_size)
        self.code_dropout = code_dropout

    def __call__(self, image: Image, *, keys: Keys = None) -> VaeOutputs:
        """Codes, and what the decoder makes of them."""
        mu, logvar = self._encode(image)
        z = draw(mu, logvar, fold(keys, 0))
        dropped = fold(keys, 1)
        if dropped is not None and self.code_dropout != "none":
            z = z * kept_codes(dropped, z.shape[1], self.code_dropout)[:, :, None]
        return {"mu": mu, "logvar": logvar, "z": z, "reconstruction": self.decode(z)}

    @view
    def encode(self, image: Image) -> Codes:
        """The mean of the codes."""
        return self._encode(image)[0]

    @view
    def reconstruct(self, image: Image) -> Features:
        """The image that the mean of its codes stands for."""
        return self.decode(self.encode(image))

    @view
    def decode(self, z: Codes) -> Features:
        """The image that codes stand for."""
        x = self.decoder(unfolded(z, self.fold_size))
        return jnp.clip(2.0 * x - 1.0 if self.unit_range else x, -1.0, 1.0)

    def naming(self) -> Naming:
        """Names in published files."""
        norm = "GroupNorm" if self.norm == "group" else "LayerNorm"
        return Naming(
            rules=(
                *((f"encoder/{own}", theirs) for own, theirs in self.encoder.rules("cnn_encoder", norm)),
                *((f"decoder/{own}", theirs) for own, theirs in self.decoder.rules("cnn_decoder", norm)),
            ),
            # MaskGIT's code, which trained those for ImageNet, calls both by their plain names.
            repairs=(moved({"encoder": "cnn_encoder", "decoder": "cnn_decoder"}),),
        )

    def _encode(self, image: Image) -> tuple[Codes, Codes]:
        if image.shape[1] != image.shape[2]:
            raise PortError(
                "image", f"is {image.shape[1]} x {image.shape[2]} pixels: square images are needed"
            )
        x = self.encoder((image + 1.0) / 2.0 if self.unit_range else image)
        mu, logvar = (folded(half, self.fold_size) for half in jnp.split(x, 2, axis=-1))
        return mu, jnp.clip(logvar, -30.0, 20.0) if self.unit_range else logvar


def grid_of_folds(codes: int, fold: Pair) -> Pair:
    """Height and width of the grid of codes into which squares of pixels were folded.

    Raises:
        PortError: there is no such grid.
    """
    side = math.isqrt(codes * fold[0] * fold[1])
    height, width = side // fold[0], side // fold[1]
    if height * width != codes:
        raise PortError("z", f"has {codes} codes, which fill no square folded by {fold[0]} x {fold[1]}")
    return height, width


def folded(x: Features, fold: Pair) -> Codes:
    """A code for each small rectangle of pixels, channels major."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // fold[0], fold[0], width // fold[1], fold[1], channels)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(batch, -1, channels * fold[0] * fold[1])


def unfolded(z: Codes, fold: Pair) -> Features:
    """The reverse of `folded`."""
    height, width = grid_of_folds(z.shape[1], fold)
    x = z.reshape(z.shape[0], height, width, -1, *fold).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(z.shape[0], height * fold[0], width * fold[1], -1)
