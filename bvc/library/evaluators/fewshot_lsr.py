"""Few-shot classification by least squares on frozen features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from bvc.component import Count, Data, DataError, NonNegative, Pipeline, Stream, View, component

BIAS = 100.0
"""The constant feature: so large that the ridge hardly touches its weight."""
_EPSILON = 1e-5


class Arrays(TypedDict):
    """Features and class of each example."""

    features: Float[Array, "b d"]
    label: Int[Array, "b"]


State = dict[str, list[np.ndarray]]


@component("evaluator")
class FewshotLsr:
    """Accuracy of ridge regression from features to classes, with few examples of each (big_vision
    `fewshot_lsr.py`).

    Features are standardized over the chosen examples, targets are +-1, and the best class wins. Everything
    is in double precision on the host: the Gram matrix holds numbers of 10^4 times the number of examples.
    Metrics: `z/NAME_5shot-seed-0` for every number of shots and seed, `a/...` for those to be displayed
    first.

    Settings:
        name: of the data, in the names of the metrics
        data: what is learned from
        test: what is predicted
        pipeline: what the view reads, and `label`
        view: gives the features
        shots: examples of each class
        seeds: how many times the examples are drawn anew
        l2_reg: weight of the ridge
        display_first: numbers of shots whose metrics begin with `a/`

    Ports:
        pre_logits: the features
        label: the class
    """

    def __init__(
        self,
        *,
        name: str,
        data: Data,
        test: Data,
        pipeline: Pipeline,
        view: View = "pre_logits",
        shots: tuple[Count, ...] = (1, 5, 10, 25),
        seeds: Count = 3,
        l2_reg: NonNegative = 1024.0,
        display_first: tuple[int, ...] = (),
    ) -> None:
        self._streams = {"train": Stream(data, pipeline, view), "test": Stream(test, pipeline, view)}
        self._name, self._shots, self._seeds, self._l2 = name, shots, seeds, l2_reg
        self._display_first = display_first

    def streams(self) -> Mapping[str, Stream]:
        """Both sets of examples."""
        return self._streams

    def train(self, pre_logits: Float[Array, "b d"], label: Int[Array, "b"]) -> Arrays:
        """Features and class."""
        return {"features": pre_logits, "label": label}

    def test(self, pre_logits: Float[Array, "b d"], label: Int[Array, "b"]) -> Arrays:
        """Features and class."""
        return {"features": pre_logits, "label": label}

    def start(self) -> State:
        """Nothing seen."""
        return {f"{stream}/{name}": [] for stream in ("train", "test") for name in ("features", "label")}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Collect features."""
        for name, array in arrays.items():
            state[f"{stream}/{name}"].append(array)
        return state

    def result(self, state: State) -> dict[str, float]:
        """Accuracies in [0, 1].

        Raises:
            DataError: a class is tested and never learned.
        """
        train, label, test, wanted = (np.concatenate(arrays) for arrays in state.values())
        unknown = np.setdiff1d(wanted, label)
        if unknown.size:
            raise DataError(
                f"class {unknown[0]} among the tested examples, and not among those to learn from",
                help="both splits must hold the same classes",
            )
        found: dict[str, float] = {}
        for shots in self._shots:
            group = "a" if shots in self._display_first else "z"
            for seed in range(self._seeds):
                chosen = draw(label, shots, seed)
                scores = least_squares(train[chosen], label[chosen], test, self._l2)
                accuracy = float(np.mean(np.argmax(scores, axis=1) == wanted))
                found[f"{group}/{self._name}_{shots}shot-seed-{seed}"] = accuracy
        return found


def draw(label: Int[np.ndarray, "n"], shots: int, seed: int) -> Int[np.ndarray, "m"]:
    """Positions of the first `shots` examples of each class in an order that depends on the seed alone.

    So the examples of fewer shots are among those of more shots.
    """
    random = np.random.default_rng(seed)
    classes = range(int(label.max()) + 1)
    return np.concatenate([random.permutation(np.flatnonzero(label == each))[:shots] for each in classes])


def least_squares(
    features: Float[np.ndarray, "n d"],
    label: Int[np.ndarray, "n"],
    test: Float[np.ndarray, "m d"],
    l2: float,
) -> Float[np.ndarray, "m classes"]:
    """The score of each class for the test examples."""
    features, test = features.astype(np.float64), test.astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0) + _EPSILON
    x, y = _biased((features - mean) / scale), 2 * np.eye(int(label.max()) + 1)[label] - 1
    if len(x) >= x.shape[1]:
        weights = np.linalg.solve(x.T @ x + l2 * np.eye(x.shape[1]), x.T @ y)
    else:  # the same, by the smaller of the two Gram matrices
        weights = x.T @ np.linalg.solve(x @ x.T + l2 * np.eye(len(x)), y)
    return _biased((test - mean) / scale) @ weights


def _biased(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d+1"]:
    return np.concatenate([x, np.full((len(x), 1), BIAS)], axis=1)
