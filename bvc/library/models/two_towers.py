"""An image tower and a text tower that embed into one space."""

from __future__ import annotations

import math
from typing import Any, TypedDict

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bvc.component import Model, SettingError, component, gather, view
from bvc.library.checkpoints.naming import HUGGING_FACE, Foreign, Mark, Naming
from bvc.library.layers.dropout import Keys, fold
from bvc.library.layers.headed import Image, Text
from bvc.library.layers.initializers import constant
from bvc.library.layers.norm import unit_norm
from bvc.library.layers.tap import scope
from bvc.library.models._siglip_files import BUFFERS, TEXT, VISION, split_projection


class TwoTowersOutputs(TypedDict, total=False):
    """Embeddings of norm 1; `temperature` multiplies their products; `bias` only where the model has one."""

    image: Float[Array, "b d"]
    text: Float[Array, "b d"]
    temperature: Float[Array, ""]
    bias: Float[Array, ""]


@component("model")
class TwoTowers(eqx.Module):
    """Image and text towers (LiT arXiv:2111.07991, SigLIP arXiv:2303.15343; big_vision `two_towers.py`).

    Settings:
        image: the tower that embeds images
        text: the tower that embeds texts
        temperature: value at which the factor of the logits starts; its logarithm is trained
        bias: value at which the offset of the logits starts; no offset without it

    Ports:
        image: pixels
        text: numbers of tokens
    """

    marks = (
        Mark(("img/", "txt/", "t")),
        Mark(("vision_model.embeddings.", "text_model.embeddings."), HUGGING_FACE),
    )

    image: Any
    text: Any
    temperature: Float[Array, "1"]
    bias: Float[Array, "1"] | None

    def __init__(
        self,
        *,
        image: Model,
        text: Model,
        temperature: float = 1.0,
        bias: float | None = None,
        key: Key[Array, ""],
    ) -> None:
        for name, tower in (("image", image), ("text", text)):
            if not hasattr(tower, "embed") or not hasattr(tower, "embed_dim"):
                raise SettingError(
                    name,
                    "cannot be a tower: it has no view `embed`",
                    help="use vit, text_transformer or bert",
                )
        if image.embed_dim != text.embed_dim:
            raise SettingError(
                "text",
                f"embeds into {text.embed_dim} dims, but `image` into {image.embed_dim}",
                help=f"set `text.out_dim = {image.embed_dim}`, or `out_dim` of both",
            )
        if temperature <= 0:
            raise SettingError(
                "temperature", f"is {temperature}: it must be above 0, since its logarithm is trained"
            )
        self.image = image
        self.text = text
        self.temperature = constant(math.log(temperature), (1,))
        self.bias = None if bias is None else constant(bias, (1,))

    def __call__(self, image: Image, text: Text, *, keys: Keys = None) -> TwoTowersOutputs:
        """Embeddings of both, and what turns their products into logits."""
        outputs: TwoTowersOutputs = {
            "image": self.embed_image(image, keys=fold(keys, 0)),
            "text": self.embed_text(text, keys=fold(keys, 1)),
            "temperature": jnp.exp(gather(self.temperature)[0]),
        }
        if self.bias is not None:
            outputs["bias"] = gather(self.bias)[0]
        return outputs

    @view
    def embed_image(self, image: Image, *, keys: Keys = None) -> Float[Array, "b d"]:
        """Embeddings of images, of norm 1."""
        with scope("img"):
            return unit_norm(self.image.embed(image, keys=keys))

    @view
    def embed_text(self, text: Text, *, keys: Keys = None) -> Float[Array, "b d"]:
        """Embeddings of texts, of norm 1."""
        with scope("txt"):
            return unit_norm(self.text.embed(text, keys=keys))

    @view
    def score(self, image: Image, text: Text) -> Float[Array, "b"]:
        """The logit of each image with the text at its place."""
        outputs = self(image, text)
        products = jnp.sum(outputs["image"] * outputs["text"], axis=-1)
        return products * outputs["temperature"] + outputs.get("bias", jnp.zeros(()))

    def naming(self) -> Naming:
        """Names in published files: those of the towers, below `img` and `txt`."""
        return Naming.joined(
            (("temperature", "t"), ("bias", "b")),
            foreign=(
                Foreign(
                    rules=(
                        *((f"image/{own}", theirs) for own, theirs in VISION),
                        *((f"text/{own}", theirs) for own, theirs in TEXT),
                        ("temperature", "logit_scale"),
                        ("bias", "logit_bias"),
                    ),
                    mark="vision_model.embeddings",
                    repairs=(split_projection,),
                    besides=BUFFERS,
                ),
            ),
            image=("img", self.image.naming()),
            text=("txt", self.text.naming()),
        )
