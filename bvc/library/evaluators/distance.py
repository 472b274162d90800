"""Distances between a student and its teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import jax
import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Count, Data, DataError, Fraction, Pipeline, SettingError, Stream, View, component
from bvc.library.evaluators._paired import Pairs, both
from bvc.library.losses.distance import Kind, distance


@dataclass(frozen=True)
class Measured:
    """A distance.

    Settings:
        kind: which distance
        t: temperature of `kl`
        smoothing: what `hard` gives to the other classes
        k: how many guesses `agree` allows
    """

    kind: Kind
    t: float | None = None
    smoothing: Fraction | None = None
    k: Count | None = None

    @property
    def given(self) -> dict[str, float | int]:
        """The options that are set."""
        options = {"t": self.t, "smoothing": self.smoothing, "k": self.k}
        return {name: value for name, value in options.items() if value is not None}

    @property
    def name(self) -> str:
        """`kind=kl_t=2.0`."""
        return "_".join(f"{name}={value}" for name, value in [("kind", self.kind), *self.given.items()])


_OPTIONS = {"kl": {"t"}, "hard": {"smoothing"}, "agree": {"k"}}


class Arrays(TypedDict):
    """The logits of each example."""

    logits: Float[Array, "b c"]


@dataclass
class State:
    """What waits for the teacher, and every distance of the examples that both have seen."""

    pairs: Pairs = field(default_factory=Pairs)
    found: dict[str, list[np.ndarray]] = field(default_factory=dict[str, list[np.ndarray]])


@component("evaluator")
class Distance:
    """Mean, smallest and largest distance of two models' logits (big_vision `proj/distill/distance.py`).

    Metrics: `kind=kl_t=2.0/avg`, `/min`, `/max` for each distance.

    Settings:
        data: examples
        pipeline: what the student's view reads
        teacher_pipeline: what the teacher's view reads; that of the student without it
        view: the student's logits
        teacher: the teacher's logits, such as `frozen.teacher.logits`
        distances: `{ kind = "kl", t = 2.0 }` and so on; what is not set is as in the loss

    Ports:
        logits: of the student, then of the teacher
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        teacher_pipeline: Pipeline | None = None,
        view: View = "logits",
        teacher: View,
        distances: tuple[Measured, ...] = (Measured("kl"),),
    ) -> None:
        for each in distances:
            odd = set(each.given) - _OPTIONS.get(each.kind, set())
            if odd:
                raise SettingError(
                    "distances", f"gives `{odd.pop()}` to {each.kind}, which has no such option"
                )
        if len({each.name for each in distances}) < len(distances):
            raise SettingError("distances", "holds the same distance twice")
        self._streams = both(data, pipeline, teacher_pipeline, view, teacher)
        self._distances = distances
        self._between = jax.jit(self.between)

    def streams(self) -> Mapping[str, Stream]:
        """All examples through the student, then through the teacher."""
        return self._streams

    def student(self, logits: Float[Array, "b c"]) -> Arrays:
        """The student's."""
        return {"logits": logits}

    def teacher(self, logits: Float[Array, "b c"]) -> Arrays:
        """The teacher's."""
        return {"logits": logits}

    def start(self) -> State:
        """Nothing seen."""
        return State()

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Keep the student's logits until the teacher's come, which do in the same order.

        Raises:
            DataError: they are of different classes.
        """
        pair = state.pairs.arrived(stream, arrays["logits"])
        if pair is None:
            return state
        student, teacher = pair
        if student.shape != teacher.shape:
            raise DataError(f"{student.shape[1]} logits of the student and {teacher.shape[1]} of the teacher")
        for name, values in self._between(student, teacher).items():
            state.found.setdefault(name, []).append(np.asarray(values, np.float64))
        return state

    def between(
        self, student: Float[Array, "b c"], teacher: Float[Array, "b c"]
    ) -> dict[str, Float[Array, "b"]]:
        """Every distance of each example."""
        return {
            each.name: distance(student, teacher, each.kind, **each.given)  # type: ignore[arg-type]
            for each in self._distances
        }

    def result(self, state: State) -> dict[str, float]:
        """All of them."""
        found: dict[str, float] = {}
        for name, parts in state.found.items():
            values = np.concatenate(parts)
            found |= {f"{name}/avg": float(values.mean())}
            found |= {f"{name}/min": float(values.min()), f"{name}/max": float(values.max())}
        return found
