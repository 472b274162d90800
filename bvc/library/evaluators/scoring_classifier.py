"""Classification by how likely a captioner finds the text of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from bvc.component import Data, DataError, Pipeline, PortError, Stream, View, component
from bvc.library.evaluators._average import Average


class Arrays(TypedDict):
    """Every class's score of each image, and the right class."""

    score: Float[Array, "b n"]
    label: Int[Array, "b"]


@component("evaluator")
class ScoringClassifier:
    """Part of the images whose class has the likeliest text (CapPa, arXiv:2306.07915; big_vision
    `scoring_classifier.py`).

    Log-likelihoods are summed over tokens and not normalized by length. Metric: `prec@1`.

    Settings:
        data: labelled images
        pipeline: what the view reads, such as `prompts`, the tokens of the texts of all classes, and `label`
        view: gives `score`

    Ports:
        score: the log-likelihood of each class's text
        label: the class
    """

    def __init__(self, *, data: Data, pipeline: Pipeline, view: View = "score") -> None:
        self._streams = {"images": Stream(data, pipeline, view)}

    def streams(self) -> Mapping[str, Stream]:
        """All images."""
        return self._streams

    def images(self, score: Float[Array, "b n"], label: Int[Array, "b"]) -> Arrays:
        """Both as they are."""
        if score.shape[1] < 2:
            raise PortError("score", "is of a single class", "give the texts of all classes")
        return {"score": score.astype(jnp.float32), "label": label}

    def start(self) -> Average:
        """None right of none."""
        return Average()

    def update(
        self, state: Average, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]
    ) -> Average:
        """Count.

        Raises:
            DataError: a label that no text stands for.
        """
        score, label = arrays["score"], arrays["label"]
        if label.min() < 0 or label.max() >= score.shape[1]:
            raise DataError(
                f"an image of class {label.max() if label.min() >= 0 else label.min()}, but {score.shape[1]} texts",
                help="the list of class names must be that of the data",
            )
        return state.added(np.argmax(score, axis=1) == label)

    def result(self, state: Average) -> dict[str, float]:
        """The part that is right."""
        return {"prec@1": state.value}
