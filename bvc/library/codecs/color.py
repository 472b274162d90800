"""Colours as what UViM's first stage reads and predicts."""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import Count, component
from bvc.library.codecs._patches import Patches


@component("codec")
class Color(eqx.Module):
    """Three numbers for each pixel (UViM, arXiv:2205.10337; big_vision `proj/uvim/colorization_task.py`).

    Settings:
        size: side of the image in pixels, or height and width
        patch: side of a patch in pixels, or height and width
    """

    patches: Patches

    def __init__(self, *, size: Count | tuple[Count, Count], patch: Count | tuple[Count, Count]) -> None:
        self.patches = Patches(size, patch)

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """What is read and predicted at each position of the grid: name -> shape."""
        return {"color": (3, self.patches.pixels)}

    def encode(self, labels: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b n 3 p"]]:
        """The pixels in patches."""
        self.patches.check(labels, 3)
        return {"color": self.patches.taken(labels)}

    def loss(
        self, logits: Mapping[str, Float[Array, "b n 3 p"]], labels: Float[Array, "b h w 3"]
    ) -> dict[str, Float[Array, "b n 3 p"]]:
        """The squared error of each channel."""
        return {"color": jnp.square(logits["color"] - self.encode(labels)["color"])}

    def decode(self, logits: Mapping[str, Float[Array, "b n 3 p"]]) -> dict[str, Float[Array, "b h w 3"]]:
        """The image, in [-1, 1]."""
        return {"color": jnp.clip(self.patches.joined(logits["color"]), -1.0, 1.0)}
