"""Predictions, kept as a file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Array, Shaped

from bvc.component import Data, Pipeline, Stream, View, component

FILE = "predictions.npz"

State = dict[str, list[np.ndarray]]


@component("evaluator")
class SavePredictions:
    """Write what a view gives for each example (big_vision `proj/uvim/save_predictions.py`).

    `evals/NAME/STEP/predictions.npz` in the work directory holds `prediction`, and `labels` where there are some,
    in the order of the data. Metric: `examples`, how many there are.

    Settings:
        data: examples
        pipeline: what the view reads
        view: gives the prediction

    Ports:
        prediction: what is saved; wire it by `feeds = { prediction = "view.OUTPUT" }`
        labels: what is saved beside it
    """

    def __init__(self, *, data: Data, pipeline: Pipeline, view: View) -> None:
        self._streams = {"examples": Stream(data, pipeline, view)}

    def streams(self) -> Mapping[str, Stream]:
        """All examples."""
        return self._streams

    def examples(
        self, prediction: Shaped[Array, "b *dims"], labels: Shaped[Array, "b *others"] | None = None
    ) -> dict[str, Shaped[Array, "b ..."]]:
        """Both as they are."""
        found = {"prediction": prediction}
        return found if labels is None else {**found, "labels": labels}

    def start(self) -> State:
        """Nothing seen."""
        return {}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Collect."""
        for name, array in arrays.items():
            state.setdefault(name, []).append(array)
        return state

    def result(self, state: State) -> dict[str, float]:
        """How many examples there are."""
        return {"examples": float(sum(map(len, state["prediction"])))}

    def files(self, state: State) -> dict[str, bytes]:
        """The archive."""
        held = io.BytesIO()
        found: dict[str, Any] = {name: np.concatenate(arrays) for name, arrays in state.items()}
        np.savez(held, **found)
        return {FILE: held.getvalue()}
