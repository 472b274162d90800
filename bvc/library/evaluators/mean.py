"""The mean of a number that the model gives for each example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Data, Pipeline, Stream, View, component
from bvc.library.evaluators._average import Average


class Arrays(TypedDict):
    """The number of each example."""

    value: Float[Array, "b"]


@component("evaluator")
class Mean:
    """Mean of one number per example (big_vision `evaluators/mean.py`).

    Settings:
        data: examples
        pipeline: what the view reads
        view: gives the number
        metric: name of the metric

    Ports:
        value: one number for each example; wire it by `feeds = { value = "model.OUTPUT" }`
    """

    def __init__(self, *, data: Data, pipeline: Pipeline, view: View, metric: str = "mean") -> None:
        self._streams = {"examples": Stream(data, pipeline, view)}
        self._metric = metric

    def streams(self) -> Mapping[str, Stream]:
        """All examples."""
        return self._streams

    def examples(self, value: Float[Array, "b"]) -> Arrays:
        """The number itself."""
        return {"value": value}

    def start(self) -> Average:
        """Nothing seen."""
        return Average()

    def update(
        self, state: Average, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]
    ) -> Average:
        """Add up."""
        return state.added(arrays["value"])

    def result(self, state: Average) -> dict[str, float]:
        """The mean."""
        return {self._metric: state.value}
