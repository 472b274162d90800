"""UViM's first stage on labels as people keep them: maps of classes, depth, colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypedDict

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Num

from bvc.component import Codec, Model, SettingError, advances, component, view
from bvc.library.checkpoints.naming import Naming
from bvc.library.layers.codebook import Quantized
from bvc.library.layers.dropout import Keys
from bvc.library.layers.headed import Image

Labels = Num[Array, "b h w c"]
Maps = dict[str, Num[Array, "b ..."]]


class Coded(TypedDict):
    """Codes of an image; `tokens` count from 1, as a decoder writes them that begins with 0."""

    code: Int[Array, "b n"]
    tokens: Int[Array, "b n"]


class LabelAutoencoderOutputs(Quantized, total=False):
    """The loss of each example, its codes, and what the autoencoder besides says of them."""

    loss: Float[Array, "b"]
    tokens: Int[Array, "b n"]


@component("model")
class LabelAutoencoder(eqx.Module):
    """A codec, and the autoencoder of what it makes of labels (UViM, arXiv:2205.10337; big_vision `uvim/vqvae.py`).

    Settings:
        codec: labels to arrays and back
        autoencoder: reads and predicts these arrays: a `vqvae` with their shapes as `inputs` and `outputs`

    Ports:
        labels: what the codec takes
        image: the context, where the autoencoder sees it
    """

    codec: Any
    autoencoder: Any

    def __init__(self, *, codec: Codec, autoencoder: Model, key: Key[Array, ""]) -> None:
        if not hasattr(autoencoder, "codes") or not hasattr(autoencoder, "shapes"):
            raise SettingError("autoencoder", "has no codes of labels", help="use vqvae")
        if any(shapes != codec.shapes for shapes in autoencoder.shapes):
            spoken = ", ".join(f"{name} = {list(shape)}" for name, shape in codec.shapes.items())
            raise SettingError(
                "autoencoder",
                "does not speak as the codec",
                help=f"set its `inputs` and `outputs` to {{ {spoken} }}",
            )
        self.codec = codec
        self.autoencoder = autoencoder

    def __call__(
        self, labels: Labels, image: Image | None = None, *, keys: Keys = None
    ) -> LabelAutoencoderOutputs:
        """The loss, and what the autoencoder learns from."""
        outputs = dict(self.autoencoder(self.codec.encode(labels), image, keys=keys))
        loss = self._loss(outputs.pop("logits"), labels)["loss"]
        return {**outputs, "loss": loss, "tokens": outputs["code"] + 1}  # type: ignore[typeddict-item]

    @view
    def losses(self, labels: Labels, image: Image | None = None) -> dict[str, Float[Array, "b"]]:
        """The loss of each example as `loss`, and its parts as `loss_NAME`."""
        return self._loss(self.autoencoder(self.codec.encode(labels), image)["logits"], labels)

    @view
    def codes(self, labels: Labels, image: Image | None = None) -> Coded:
        """The codes of labels."""
        code = self.autoencoder.codes(self.codec.encode(labels), image)
        return {"code": code, "tokens": code + 1}

    @view
    def predict(self, labels: Labels, image: Image | None = None) -> Maps:
        """The maps that remain of labels when they pass through their codes."""
        return self.codec.decode(self.autoencoder(self.codec.encode(labels), image)["logits"])

    @view
    def decode(self, sequences: Int[Array, "b n"], image: Image | None = None) -> Maps:
        """The maps of tokens, as the view `generate` of a model of the second stage writes them."""
        return self.codec.decode(self.autoencoder.decode(jnp.maximum(sequences - 1, 0), image))

    @advances("sum")
    def advanced(
        self, counts: Int[Array, "v"], sums: Float[Array, "v k"], *, key: Key[Array, ""]
    ) -> eqx.Module:
        """The model after a step, from the statistics of the whole batch."""
        after = self.autoencoder.advanced(counts, sums, key=key)
        return eqx.tree_at(lambda model: model.autoencoder, self, after)

    def naming(self) -> Naming:
        """Names in published files: those of the autoencoder."""
        inner = self.autoencoder.naming()
        own = tuple((each.name, each.name) for each in fields(self.autoencoder))
        rules = tuple((f"autoencoder/{public}", published) for public, published in (*inner.rules, *own))
        return replace(inner, rules=rules)

    def _loss(
        self, logits: Mapping[str, Float[Array, "b ..."]], labels: Labels
    ) -> dict[str, Float[Array, "b"]]:
        parts = {
            f"loss_{name}": jnp.mean(each.reshape(len(each), -1), axis=1)
            for name, each in self.codec.loss(logits, labels).items()
        }
        return {"loss": sum(parts.values(), start=jnp.zeros(())), **parts}
