"""How alike two representations are, up to rotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Data, DataError, Pipeline, Stream, View, component


class Arrays(TypedDict):
    """Both representations of each example."""

    features: Float[Array, "b d"]
    teacher: Float[Array, "b e"]


State = dict[str, np.ndarray]


@component("evaluator")
class Cka:
    """Linear centred kernel alignment over the whole data (arXiv:1905.00414, equation 3 with linear kernels).

    |Y'X|^2 / (|X'X| |Y'Y|) of centred X and Y, Frobenius norms: 1 if one is a rotation of the other. Moments are added
    up in double precision, so neither batches nor their order matter. Metric: `cka`.

    Settings:
        data: examples
        pipeline: what the view reads
        view: gives both

    Ports:
        pre_logits: representation by the student
        teacher: representation by the teacher, of any width
    """

    def __init__(self, *, data: Data, pipeline: Pipeline, view: View) -> None:
        self._streams = {"examples": Stream(data, pipeline, view)}

    def streams(self) -> Mapping[str, Stream]:
        """All examples."""
        return self._streams

    def examples(self, pre_logits: Float[Array, "b d"], teacher: Float[Array, "b e"]) -> Arrays:
        """Both as they are."""
        return {"features": pre_logits, "teacher": teacher}

    def start(self) -> State:
        """Moments of nothing."""
        return {}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Add the batch's moments; all are taken from the first example, which keeps them small."""
        x, y = (arrays[name].astype(np.float64) for name in ("features", "teacher"))
        origin = state.get("origin_x", x[0]), state.get("origin_y", y[0])
        x, y = x - origin[0], y - origin[1]
        moments = {
            "count": np.asarray(len(x)),
            "x": x.sum(axis=0),
            "y": y.sum(axis=0),
            "xx": x.T @ x,
            "yy": y.T @ y,
            "xy": x.T @ y,
        }
        found = {name: np.asarray(state.get(name, 0.0) + moment) for name, moment in moments.items()}
        return {**found, "origin_x": origin[0], "origin_y": origin[1]}

    def result(self, state: State) -> dict[str, float]:
        """The alignment, in [0, 1].

        Raises:
            DataError: a representation is the same for all examples.
        """
        n = int(state["count"])
        cross, own_x, own_y = (
            float(np.sum((state[a + b] - np.outer(state[a], state[b]) / n) ** 2))
            for a, b in (("x", "y"), ("x", "x"), ("y", "y"))
        )
        if not own_x or not own_y:
            raise DataError("a representation that is the same for all examples")
        return {"cka": cross / np.sqrt(own_x * own_y)}
