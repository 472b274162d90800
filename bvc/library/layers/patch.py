"""Cutting an image into patches, each mapped to a token."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import PortError, SettingError
from bvc.library.layers.dense import Dtype
from bvc.library.layers.initializers import RandomKey, lecun_normal, zeros
from bvc.library.layers.norm import LayerNorm

Pair = tuple[int, int]
Remainder = Literal["error", "cut", "pad"]
"""What becomes of the pixels beyond the last whole patch: they are refused, left out at the right and the bottom (as a
convolution does that is VALID), or made a whole patch by zeros around the image (SAME)."""


def pair(value: int | Pair) -> Pair:
    """Height and width; one number is both."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def grid_of(size: Pair, patch: Pair, remainder: Remainder = "error") -> Pair:
    """How many patches lie along height and width.

    Raises:
        SettingError: `size` is not divisible by `patch`, and the remainder is an error; or no patch fits.
    """
    if remainder == "pad":
        return -(-size[0] // patch[0]), -(-size[1] // patch[1])
    for side, step in zip(size, patch, strict=True):
        if side % step and (remainder == "error" or side < step):
            lower = side // step * step
            near = f"{lower}, {lower + step}" if lower else f"{step}"
            raise SettingError(
                "size",
                f"is not divisible by patch {step}: {side} = {side // step} * {step} + {side % step}",
                help=f"nearest sizes that divide: {near}",
            )
    return size[0] // patch[0], size[1] // patch[1]


def flat_patches(image: Float[Array, "b H W c"], patch: Pair) -> Float[Array, "b h w p"]:
    """The pixels of each whole patch in one dim, for a matrix product: convolutions have slow gradients on CPU."""
    batch, channels = image.shape[0], image.shape[3]
    ph, pw = patch
    rows, columns = image.shape[1] // ph, image.shape[2] // pw
    patches = image[:, : rows * ph, : columns * pw].reshape(batch, rows, ph, columns, pw, channels)
    return patches.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, -1)


def _padded(image: Float[Array, "b H W c"], patch: Pair) -> Float[Array, "b h w c"]:
    """Zeros around an image to whole patches; an odd one goes to the right and the bottom."""
    lacking = [-side % step for side, step in zip(image.shape[1:3], patch, strict=True)]
    before_after = [(each // 2, each - each // 2) for each in lacking]
    return jnp.pad(image, ((0, 0), *before_after, (0, 0)))


class PatchEmbedding(eqx.Module):
    """Non-overlapping patches through one linear map, stored as the convolution that it is.

    With `norm` the pixels of a patch are normalized before it, and its token after it (Dual PatchNorm,
    arXiv:2302.01327).
    """

    kernel: Float[Array, "h w c d"]
    bias: Float[Array, "d"]
    norm_in: LayerNorm | None
    norm_out: LayerNorm | None
    remainder: Remainder = eqx.field(static=True)
    dtype: Dtype = eqx.field(static=True)

    def __init__(
        self,
        patch: Pair,
        width: int,
        *,
        channels: int = 3,
        norm: bool = False,
        remainder: Remainder = "error",
        dtype: Dtype = "float32",
        key: RandomKey,
    ) -> None:
        pixels = patch[0] * patch[1] * channels
        self.kernel = lecun_normal(key, (*patch, channels, width), fan_in=pixels)
        self.bias = zeros((width,))
        self.norm_in = LayerNorm(pixels) if norm else None
        self.norm_out = LayerNorm(width) if norm else None
        self.remainder = remainder
        self.dtype = dtype

    def __call__(self, image: Float[Array, "b H W c"]) -> Float[Array, "b h w d"]:
        """The tokens on their grid.

        Raises:
            PortError: the image's sides are not divisible by the patch's, and the remainder is an error.
        """
        height, width = image.shape[1:3]
        ph, pw = self.kernel.shape[:2]
        if self.remainder == "pad":
            image = _padded(image, (ph, pw))
        elif (height % ph or width % pw) and (self.remainder == "error" or height < ph or width < pw):
            raise PortError("image", f"has sides {height} x {width}, not divisible by the patch {ph} x {pw}")
        patches = flat_patches(image, (ph, pw))
        if self.norm_in is not None:
            patches = self.norm_in(patches)
        kernel = self.kernel.reshape(-1, self.kernel.shape[-1])
        tokens = jnp.matmul(patches.astype(self.dtype), kernel.astype(self.dtype))
        tokens = tokens + self.bias.astype(self.dtype)
        return tokens if self.norm_out is None else self.norm_out(tokens).astype(self.dtype)
