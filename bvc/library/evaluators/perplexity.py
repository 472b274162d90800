"""Mean negative log-likelihood of token sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from bvc.component import Data, Pipeline, Stream, View, component
from bvc.library.evaluators._average import Average
from bvc.library.losses.cross_entropy import token_xent


class Arrays(TypedDict):
    """The negative log-likelihood of each sequence."""

    nll: Float[Array, "b"]


@component("evaluator")
class Perplexity:
    """Mean over sequences of the negative log-likelihood (big_vision `proj/cappa/perplexity.py`).

    Not exponentiated, as there, in spite of the metric's name `perplexity`. Token 0 is padding and does not
    count.

    Settings:
        data: sequences
        pipeline: what the view reads, and `labels`
        view: gives `logits`
        per_token: divide by the number of tokens of each sequence

    Ports:
        logits: before the softmax
        labels: the tokens; 0 is padding
        label_masks: which tokens count besides
    """

    def __init__(
        self, *, data: Data, pipeline: Pipeline, view: View = "logits", per_token: bool = False
    ) -> None:
        self._streams = {"sequences": Stream(data, pipeline, view)}
        self._per_token = per_token

    def streams(self) -> Mapping[str, Stream]:
        """All sequences."""
        return self._streams

    def sequences(
        self,
        logits: Float[Array, "b t v"],
        labels: Int[Array, "b t"],
        label_masks: Float[Array, "b t"] | None = None,
    ) -> Arrays:
        """The negative log-likelihood of each sequence."""
        weights = (labels != 0).astype(jnp.float32)
        if label_masks is not None:
            weights = weights * label_masks
        return {"nll": token_xent(logits, labels, weights, normalize=self._per_token)}

    def start(self) -> Average:
        """Nothing seen."""
        return Average()

    def update(
        self, state: Average, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]
    ) -> Average:
        """Add up."""
        return state.added(arrays["nll"])

    def result(self, state: Average) -> dict[str, float]:
        """The mean."""
        return {"perplexity": state.value}
