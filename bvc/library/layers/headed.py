"""Heads, and the views of models that end in one: of images, and of texts."""

from __future__ import annotations

import abc
from collections.abc import Mapping

import equinox as eqx
from jaxtyping import Array, Float, Int

from bvc.component import PortError, view
from bvc.library.layers.dense import Dense
from bvc.library.layers.dropout import Keys
from bvc.library.layers.initializers import RandomKey, constant, lecun_normal, zeros

Image = Float[Array, "b h w 3"]
Text = Int[Array, "b t"]
Pooled = Float[Array, "b c"] | Float[Array, "b t c"]
"""A vector for each example, or for each token where a model does not pool."""


def make_head(
    width: int, out_dim: int | None, *, key: RandomKey | None = None, bias: float = 0.0
) -> Dense | None:
    """A linear map to `out_dim` outputs, or none: it starts at zero, or with a key at random; its bias at `bias`."""
    if out_dim is None:
        return None
    shape = (width, out_dim)
    kernel = zeros(shape) if key is None else lecun_normal(key, shape, fan_in=width)
    return Dense(kernel, constant(bias, (out_dim,)))


class HeadedImageModel(eqx.Module):
    """A model that returns `pre_logits` and, if it has a head, `logits`."""

    head: eqx.AbstractVar[Dense | None]

    @abc.abstractmethod
    def __call__(self, image: Image, *, keys: Keys = None) -> Mapping[str, Array]:
        """The whole model."""

    @view
    def logits(self, image: Image, *, keys: Keys = None) -> Pooled:
        """What the head says."""
        return _logits(self.head, self(image, keys=keys))

    @view
    def pre_logits(self, image: Image, *, keys: Keys = None) -> Pooled:
        """What the head reads."""
        return self(image, keys=keys)["pre_logits"]

    @view
    def embed(self, image: Image, *, keys: Keys = None) -> Pooled:
        """The last output that there is: of the head, or without one what a head would read."""
        outputs = self(image, keys=keys)
        return outputs.get("logits", outputs["pre_logits"])


class HeadedTextModel(eqx.Module):
    """The same for texts."""

    head: eqx.AbstractVar[Dense | None]

    @abc.abstractmethod
    def __call__(self, text: Text, *, keys: Keys = None) -> Mapping[str, Array]:
        """The whole model."""

    @view
    def logits(self, text: Text, *, keys: Keys = None) -> Float[Array, "b c"]:
        """What the head says."""
        return _logits(self.head, self(text, keys=keys))

    @view
    def pre_logits(self, text: Text, *, keys: Keys = None) -> Float[Array, "b d"]:
        """What the head reads."""
        return self(text, keys=keys)["pre_logits"]

    @view
    def embed(self, text: Text, *, keys: Keys = None) -> Float[Array, "b c"]:
        """The last output that there is: of the head, or without one what a head would read."""
        outputs = self(text, keys=keys)
        return outputs.get("logits", outputs["pre_logits"])


def _logits(head: Dense | None, outputs: Mapping[str, Array]) -> Array:
    if head is None:
        raise PortError("logits", "needs a head", help="set `out_dim` to the number of outputs")
    return outputs["logits"]
