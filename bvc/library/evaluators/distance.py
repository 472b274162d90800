"""Distances between a student and its teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Count, Data, Fraction, Pipeline, SettingError, Stream, View, component
from bvc.library.losses.distance import Kind, distance


@dataclass(frozen=True)
class Measured:
    """A distance: its kind, the temperature of `kl`, the smoothing of `hard`, how many guesses `agree` allows."""

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


@dataclass
class State:
    """Running sum, smallest and largest value of each distance."""

    count: int
    total: dict[str, float]
    least: dict[str, float]
    most: dict[str, float]


@component("evaluator")
class Distance:
    """Mean, smallest and largest distance of the logits (big_vision `proj/distill/distance.py`).

    Metrics: `kind=kl_t=2.0/avg`, `/min`, `/max` for each distance.

    Settings:
        data: examples
        pipeline: what the view reads
        view: gives both
        distances: `{ kind = "kl", t = 2.0 }` and so on; what is not set is as in the loss

    Ports:
        logits: the student's
        teacher: the teacher's
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        view: View,
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
        self._streams = {"examples": Stream(data, pipeline, view)}
        self._distances = distances

    def streams(self) -> Mapping[str, Stream]:
        """All examples."""
        return self._streams

    def examples(
        self, logits: Float[Array, "b c"], teacher: Float[Array, "b c"]
    ) -> dict[str, Float[Array, "b"]]:
        """Every distance of each example."""
        return {each.name: distance(logits, teacher, each.kind, **each.given) for each in self._distances}  # type: ignore[arg-type]

    def start(self) -> State:
        """Nothing seen."""
        names = [each.name for each in self._distances]
        return State(
            0, dict.fromkeys(names, 0.0), dict.fromkeys(names, np.inf), dict.fromkeys(names, -np.inf)
        )

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Add up in double precision."""
        state.count += len(next(iter(arrays.values())))
        for name, values in arrays.items():
            state.total[name] += float(values.astype(np.float64).sum())
            state.least[name] = min(state.least[name], float(values.min()))
            state.most[name] = max(state.most[name], float(values.max()))
        return state

    def result(self, state: State) -> dict[str, float]:
        """All of them."""
        found: dict[str, float] = {}
        for name, total in state.total.items():
            found[f"{name}/avg"] = total / state.count
            found[f"{name}/min"] = state.least[name]
            found[f"{name}/max"] = state.most[name]
        return found
