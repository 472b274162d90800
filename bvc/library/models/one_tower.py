"""One tower that embeds images and images of rendered text into one space."""

from __future__ import annotations

import math
from typing import Any, TypedDict

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Model, SettingError, component, gather, view
from bvc.library.checkpoints.naming import Mark, Naming
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.headed import Image
from bvc.library.layers.initializers import constant
from bvc.library.layers.norm import unit_norm
from bvc.library.layers.tap import scope


class OneTowerOutputs(TypedDict):
    """Embeddings of norm 1; `temperature` multiplies their products."""

    image: Float[Array, "b d"]
    text: Float[Array, "b d"]
    temperature: Float[Array, ""]


@component("model")
class OneTower(eqx.Module):
    """CLIPPO (arXiv:2212.08045; big_vision `models/proj/clippo/one_tower.py`).

    Settings:
        image: the tower that embeds images, of scenes and of text
        temperature: value at which the factor of the logits starts; its logarithm is trained

    Ports:
        image: pixels
        text: pixels of rendered text, of the same size
    """

    marks = (Mark(("img/", "t")),)

    image: Any
    temperature: Float[Array, "1"]

    def __init__(self, *, image: Model, temperature: float = 10.0, key: Key[Array, ""]) -> None:
        if not hasattr(image, "embed"):
            raise SettingError("image", "cannot be a tower: it has no view `embed`", help='use type = "vit"')
        if temperature <= 0:
            raise SettingError(
                "temperature", f"is {temperature}: it must be above 0, since its logarithm is trained"
            )
        self.image = image
        self.temperature = constant(math.log(temperature), (1,))

    def __call__(self, image: Image, text: Image, *, keys: Keys = None) -> OneTowerOutputs:
        """Embeddings of both, and what turns their products into logits."""
        return {
            "image": self.embed_image(image, keys=fold(keys, 0)),
            "text": self.embed_text(text, keys=fold(keys, 1)),
            "temperature": jnp.exp(gather(self.temperature)[0]),
        }

    @view
    def embed_image(self, image: Image, *, keys: Keys = None) -> Float[Array, "b d"]:
        """Embeddings of images, of norm 1."""
        with scope("img"):
            return unit_norm(self.image.embed(image, keys=keys))

    @view
    def embed_text(self, text: Image, *, keys: Keys = None) -> Float[Array, "b d"]:
        """Embeddings of rendered texts, of norm 1."""
        with scope("txt"):
            return unit_norm(self.image.embed(text, keys=keys))

    @view
    def score(self, image: Image, text: Image) -> Float[Array, "b"]:
        """The logit of each image with the text at its place."""
        outputs = self(image, text)
        return jnp.sum(outputs["image"] * outputs["text"], axis=-1) * outputs["temperature"]

    def naming(self) -> Naming:
        """Names in published files: those of the tower, below `img`."""
        return Naming.joined((("temperature", "t"),), image=("img", self.image.naming()))
