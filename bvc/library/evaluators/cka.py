"""How alike two representations are, up to rotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Data, DataError, Pipeline, Stream, View, component
from bvc.library.evaluators._paired import Pairs, both


class Arrays(TypedDict):
    """The representation of each example."""

    features: Float[Array, "b d"]


@dataclass
class State:
    """What waits for the teacher, and the moments of the examples that both have seen."""

    pairs: Pairs = field(default_factory=Pairs)
    origin: tuple[np.ndarray, np.ndarray] | None = None
    count: int = 0
    moments: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])


@component("evaluator")
class Cka:
    """Linear centred kernel alignment over the whole data (arXiv:1905.00414, equation 3 with linear kernels).

    |Y'X|^2 / (|X'X| |Y'Y|) of centred X and Y, Frobenius norms: 1 if one is a rotation of the other. Moments are added
    up in double precision, so neither batches nor their order matter. Metric: `cka`.

    Settings:
        data: examples
        pipeline: what the student's view reads
        teacher_pipeline: what the teacher's view reads; that of the student without it
        view: the student's representation
        teacher: the teacher's, of any width, such as `frozen.teacher.pre_logits`

    Ports:
        pre_logits: the representation, of the student, then of the teacher
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        teacher_pipeline: Pipeline | None = None,
        view: View = "pre_logits",
        teacher: View,
    ) -> None:
        self._streams = both(data, pipeline, teacher_pipeline, view, teacher)

    def streams(self) -> Mapping[str, Stream]:
        """All examples through the student, then through the teacher."""
        return self._streams

    def student(self, pre_logits: Float[Array, "b d"]) -> Arrays:
        """The student's."""
        return {"features": pre_logits}

    def teacher(self, pre_logits: Float[Array, "b d"]) -> Arrays:
        """The teacher's."""
        return {"features": pre_logits}

    def start(self) -> State:
        """Nothing seen."""
        return State()

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Keep the student's until the teacher's come; then add the moments of both.

        All are taken from the first example, which keeps them small.
        """
        pair = state.pairs.arrived(stream, arrays["features"])
        if pair is None:
            return state
        x, y = (each.astype(np.float64) for each in pair)
        if state.origin is None:
            state.origin = x[0], y[0]
        x, y = x - state.origin[0], y - state.origin[1]
        added = {"x": x.sum(axis=0), "y": y.sum(axis=0), "xx": x.T @ x, "yy": y.T @ y, "xy": x.T @ y}
        state.count += len(x)
        state.moments = {name: state.moments.get(name, 0.0) + moment for name, moment in added.items()}
        return state

    def result(self, state: State) -> dict[str, float]:
        """The alignment, in [0, 1].

        Raises:
            DataError: a representation is the same for all examples.
        """
        found = state.moments
        cross, own_x, own_y = (
            float(np.sum((found[a + b] - np.outer(found[a], found[b]) / state.count) ** 2))
            for a, b in (("x", "y"), ("x", "x"), ("y", "y"))
        )
        if not own_x or not own_y:
            raise DataError("a representation that is the same for all examples")
        return {"cka": cross / np.sqrt(own_x * own_y)}
