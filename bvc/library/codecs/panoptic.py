"""Panoptic maps as what UViM's first stage reads and predicts."""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bvc.component import Count, Fraction, component
from bvc.library.codecs._patches import Patches
from bvc.library.losses.cross_entropy import softmax_xent


@component("codec")
class Panoptic(eqx.Module):
    """A class and an instance for each pixel (UViM, arXiv:2205.10337; big_vision `proj/uvim/panoptic_task.py`).

    Settings:
        size: side of the map in pixels, or height and width
        patch: side of a patch in pixels, or height and width
        semantics: classes, with 0 for none
        instances: instances of an image, with 0 for none
        min_fraction: predicted segments that cover no more of the image become nothing
    """

    patches: Patches
    counts: tuple[tuple[str, int], ...] = eqx.field(static=True)
    min_fraction: float = eqx.field(static=True)

    def __init__(
        self,
        *,
        size: Count | tuple[Count, Count],
        patch: Count | tuple[Count, Count],
        semantics: Count = 134,
        instances: Count = 100,
        min_fraction: Fraction = 0.0,
    ) -> None:
        self.patches = Patches(size, patch)
        self.counts = (("semantics", semantics), ("instances", instances))
        self.min_fraction = min_fraction

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """What is read and predicted at each position of the grid: name -> shape."""
        return {name: (count, self.patches.pixels) for name, count in self.counts}

    def encode(self, labels: Int[Array, "b h w 2"]) -> dict[str, Float[Array, "b n c p"]]:
        """Both channels one-hot, in patches; -1 is nothing at all."""
        self.patches.check(labels, 2)
        return {
            name: self.patches.taken(jax.nn.one_hot(labels[..., channel], count))
            for channel, (name, count) in enumerate(self.counts)
        }

    def loss(
        self, logits: Mapping[str, Float[Array, "b n c p"]], labels: Int[Array, "b h w 2"]
    ) -> dict[str, Float[Array, "b n p"]]:
        """The cross-entropy of class and of instance at each pixel; 0 where the label is -1."""
        return {
            name: softmax_xent(logits[name], target, axis=-2) for name, target in self.encode(labels).items()
        }

    def decode(self, logits: Mapping[str, Float[Array, "b n c p"]]) -> dict[str, Int[Array, "b h w"]]:
        """The likeliest instance of each pixel, and the class that is likeliest for all pixels of an instance."""
        scores, chances = (self.patches.joined(logits[name]) for name, _ in self.counts)
        instances, number = jnp.argmax(chances, axis=-1), chances.shape[-1]
        of_instance = jax.nn.one_hot(instances, number)
        total = jnp.einsum("bhwi,bhwc->bic", of_instance, scores, precision="highest")
        area = jnp.sum(of_instance, axis=(1, 2)) / instances[0].size
        kept = area > self.min_fraction
        classes = jnp.where(kept, jnp.argmax(total, axis=-1), 0)
        numbers = jnp.where(kept, jnp.arange(number), 0)
        flat = instances.reshape(len(instances), -1)
        return {
            name: jnp.take_along_axis(table, flat, axis=1).reshape(instances.shape)
            for name, table in (("semantics", classes), ("instances", numbers))
        }
