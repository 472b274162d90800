"""Recorded pairs of towers, with the losses of SigLIP and CLIP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.layers import tap
from tests.parity import bert, bit, flexivit, mlp_mixer, text_transformer, vit
from tests.parity._model import Outputs, compare, loaded, spec
from tests.parity.reference import Comparison, Reference, UnknownFamily, compares

_TEXT = "proj.image_text.text_transformer"


def image_tower(kwargs: Mapping[str, Any], out_dim: int | None, images: np.ndarray) -> dict[str, Any]:
    """Our settings of the tower that big_vision's `image_model` names."""
    size = images.shape[1:3]
    own = {"num_classes": out_dim, **(kwargs.get("image") or {})}
    match kwargs.get("image_model", "vit"):
        case "vit":
            return vit.settings(own, size)
        case "mlp_mixer":
            return mlp_mixer.settings(own, size)
        case "proj.flexi.vit":
            return flexivit.settings(own)
        case "bit" | "bit_paper" as family:
            return bit.settings(family, own)
        case other:
            raise UnknownFamily(f'no image tower "{other}"')


def _text_tower(kwargs: Mapping[str, Any], out_dim: int | None, texts: np.ndarray) -> dict[str, Any]:
    own = {"num_classes": out_dim, **(kwargs.get("text") or {})}
    match kwargs.get("text_model", _TEXT):
        case "proj.flaxformer.bert":
            return bert.settings(own)
        case model if model == _TEXT:
            return text_transformer.settings(own, texts)
        case other:
            raise UnknownFamily(f'no text tower "{other}"')


def _settings(reference: Reference) -> dict[str, Any]:
    kwargs = reference.meta["kwargs"]
    inputs = reference.group("inputs")
    dims = kwargs.get("out_dim", 128)
    image_dim, text_dim = dims if isinstance(dims, list) else (dims, dims)
    image = image_tower(kwargs, image_dim, inputs["image"])
    text = _text_tower(kwargs, text_dim, inputs["text"])
    return {
        "type": "two_towers",
        "temperature": kwargs.get("temperature_init", 1.0),
        "bias": kwargs.get("bias_init"),
        "image": image,
        "text": text,
    }


@compares("two_towers")
def two_towers(reference: Reference) -> Iterator[Comparison]:
    """Outputs, intermediates and gradients of two towers."""
    sigmoid = reference.meta["loss"].startswith("sigmoid")
    model = loaded(spec(_settings(reference)), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        image, text = inputs["image"], inputs["text"]
        with tap.capture() as captured:
            both = model(image, text)
        logits = both["image"] @ both["text"].T * both["temperature"] + both.get("bias", 0.0)
        loss = _sigmoid_loss(logits) if sigmoid else softmax_loss(logits)
        found = {
            **captured,
            **vit.grids(model.image, image, "img/"),
            "zimg": both["image"],
            "ztxt": both["text"],
            "zimg_image_only": model.embed_image(image),
            "ztxt_text_only": model.embed_text(text),
            "t": both["temperature"][None],
            "t/parameter": model.temperature,
            "logits": logits,
        }
        if hasattr(model.text, "vocab_logits"):
            found["txt/vocab_logits"] = model.text.vocab_logits(text)
        if "bias" in both:
            found["b"] = both["bias"][None]
        return loss, found

    yield from compare(reference, model, forward)


def _sigmoid_loss(logits: Array) -> Array:
    signs = 2 * jnp.eye(len(logits)) - 1
    return -jnp.mean(jnp.sum(jax.nn.log_sigmoid(signs * logits), axis=1))


def softmax_loss(logits: Array) -> Array:
    """CLIP: the mean of both directions' cross entropies."""
    to_text = -jnp.mean(jnp.diag(jax.nn.log_softmax(logits, axis=1)))
    to_image = -jnp.mean(jnp.diag(jax.nn.log_softmax(logits, axis=0)))
    return (to_text + to_image) / 2
