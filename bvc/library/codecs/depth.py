"""Depth as what UViM's first stage reads and predicts."""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bvc.component import Count, SettingError, component
from bvc.library.codecs._patches import Patches
from bvc.library.losses.cross_entropy import softmax_xent


@component("codec")
class Depth(eqx.Module):
    """A bin of depth for each pixel (UViM, arXiv:2205.10337; big_vision `proj/uvim/depth_task.py`).

    The first bin also holds what has no depth: it is read, but costs nothing.

    Settings:
        size: side of the map in pixels, or height and width
        patch: side of a patch in pixels, or height and width
        bins: equal bins
        min_depth: where the first bin begins, in metres
        max_depth: where the last bin ends, in metres
    """

    patches: Patches
    bins: int = eqx.field(static=True)
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)

    def __init__(
        self,
        *,
        size: Count | tuple[Count, Count],
        patch: Count | tuple[Count, Count],
        bins: Count = 256,
        min_depth: float = 1e-3,
        max_depth: float = 10.0,
    ) -> None:
        if not min_depth < max_depth:
            raise SettingError("max_depth", f"is not above `min_depth`, {min_depth:g}")
        self.patches = Patches(size, patch)
        self.bins, self.low, self.high = bins, min_depth, max_depth

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """What is read and predicted at each position of the grid: name -> shape."""
        return {"depth": (self.bins, self.patches.pixels)}

    def encode(self, labels: Float[Array, "b h w 1"]) -> dict[str, Float[Array, "b n c p"]]:
        """The bins one-hot, in patches."""
        return {"depth": jax.nn.one_hot(self._binned(labels), self.bins, axis=-2)}

    def loss(
        self, logits: Mapping[str, Float[Array, "b n c p"]], labels: Float[Array, "b h w 1"]
    ) -> dict[str, Float[Array, "b n p"]]:
        """The cross-entropy of the bin at each pixel; 0 in the first bin."""
        found = softmax_xent(logits["depth"], self.encode(labels)["depth"], axis=-2)
        return {"depth": jnp.where(self._binned(labels) > 0, found, 0.0)}

    def decode(self, logits: Mapping[str, Float[Array, "b n c p"]]) -> dict[str, Float[Array, "b h w"]]:
        """The centre of the likeliest bin, in metres."""
        chances = self.patches.joined(logits["depth"])
        return {"depth": centre(jnp.argmax(chances, axis=-1), self.bins, self.low, self.high)}

    def _binned(self, labels: Float[Array, "b h w 1"]) -> Int[Array, "b n p"]:
        self.patches.check(labels, 1)
        share = (self.patches.taken(labels)[:, :, 0] - self.low) / (self.high - self.low)
        return jnp.clip(jnp.floor(share * self.bins), 0, self.bins - 1).astype(jnp.int32)


def centre(number: Int[Array, "*dims"], bins: int, low: float, high: float) -> Float[Array, "*dims"]:
    """The middle of a bin, in metres."""
    return (number + 0.5) / bins * (high - low) + low
