"""The views of models that read an image and write tokens."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import Count, Fraction, view
from bvc.library.layers.decoder import TokenDecoder
from bvc.library.layers.dropout import Keys
from bvc.library.layers.headed import Image, Text
from bvc.library.layers.sampling import END, Sampled, gumbel, sample


class Captioner(eqx.Module):
    """An encoder of images, and a decoder that reads what it says."""

    encoder: eqx.AbstractVar[Any]
    decoder: eqx.AbstractVar[TokenDecoder]

    @abc.abstractmethod
    def __call__(self, image: Image, text: Text, *, keys: Keys = None) -> Mapping[str, Array]:
        """The whole model."""

    @view
    def logits(self, image: Image, text: Text) -> Float[Array, "b t v"]:
        """Logits of each token, given those before it."""
        return self(image, text)["logits"]

    @view
    def generate(
        self,
        image: Image,
        *,
        temperature: float = 1.0,
        top_k: Count | None = None,
        top_p: Fraction | None = None,
        ends: bool = True,
        keys: Keys = None,
    ) -> Sampled:
        """Tokens for each image, with a cache: the most likely one at each place, or with keys a sampled one.

        Settings:
            temperature: divides the logits of what is sampled
            top_k: sample among this many most likely tokens
            top_p: sample among the fewest most likely tokens that have together this probability
            ends: token 1 ends a sequence; without it none does, as for codes, of which every image has as many
        """
        prompts = jnp.zeros((image.shape[0], self.decoder.length), jnp.int32)
        cache = self.decoder.start(self.encoder.encode(image))
        return sample(
            self.decoder.step,
            cache,
            prompts,
            gumbel(keys),
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            end=END if ends else None,
        )
