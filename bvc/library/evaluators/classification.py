"""Top-1 precision and loss of a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from bvc.component import Data, DataError, Pipeline, Stream, View, component
from bvc.library.losses.cross_entropy import sigmoid_xent, softmax_xent


class Arrays(TypedDict):
    """Per example: its weight, the label value of the best class, its loss."""

    weight: Float[Array, "b"]
    correct: Float[Array, "b"]
    loss: Float[Array, "b"]


State = dict[str, float]


@component("evaluator")
class Classification:
    """Precision of the best class, and loss (big_vision `evaluators/classification.py`).

    An example weighs as much as its largest label: one without any label (as in ReaL, arXiv:2006.07159) drops
    out, and any of several labels counts as right. Metrics: `prec@1`, `loss`.

    Settings:
        data: labelled examples
        pipeline: what the view reads, and `labels`: one-hot, several-hot or smoothed
        view: gives `logits`
        loss: which loss is measured

    Ports:
        logits: one number for each class
        labels: in [0, 1] for each class
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        view: View = "logits",
        loss: Literal["softmax_xent", "sigmoid_xent"] = "softmax_xent",
    ) -> None:
        self._streams = {"examples": Stream(data, pipeline, view)}
        self._loss = softmax_xent if loss == "softmax_xent" else sigmoid_xent

    def streams(self) -> Mapping[str, Stream]:
        """All examples."""
        return self._streams

    def examples(self, logits: Float[Array, "b c"], labels: Float[Array, "b c"]) -> Arrays:
        """What one example adds to both metrics."""
        best = jnp.argmax(logits, axis=1)
        correct = jnp.take_along_axis(labels, best[:, None], axis=1)[:, 0]
        return {"weight": jnp.max(labels, axis=1), "correct": correct, "loss": self._loss(logits, labels)}

    def start(self) -> State:
        """Sums of nothing."""
        return {"weight": 0.0, "correct": 0.0, "loss": 0.0}

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Add up in double precision."""
        weight = arrays["weight"].astype(np.float64)
        return {
            "weight": state["weight"] + float(weight.sum()),
            "correct": state["correct"] + float((weight * arrays["correct"]).sum()),
            "loss": state["loss"] + float((weight * arrays["loss"]).sum()),
        }

    def result(self, state: State) -> dict[str, float]:
        """Means over the weights.

        Raises:
            DataError: no example has a label.
        """
        if not state["weight"]:
            raise DataError(
                "no example with a label", help="`labels` holds a number above 0 for each right class"
            )
        return {
            "prec@1": state["correct"] / state["weight"],
            "loss": state["loss"] / state["weight"],
        }
