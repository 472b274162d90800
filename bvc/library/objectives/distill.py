"""Function matching: a student learns a teacher's answers."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Array, Float

from bvc.component import Fraction, Loss, component
from bvc.library.losses.distance import distance


@component("objective")
def distill(
    logits: Float[Array, "b c"],
    teacher: Float[Array, "b c"],
    *,
    kind: Literal["euclidean", "l2", "hard", "kl", "logsoftmax_euclidean"] = "kl",
    t: float = 1.0,
    smoothing: Fraction = 0.0,
) -> Loss:
    """Distance between the student's and the teacher's logits, mean over examples (arXiv:2106.05237).

    Settings:
        kind: which distance; "kl" compares softmaxes, "hard" takes the teacher's choice as the label
        t: temperature of "kl"
        smoothing: part of the target of "hard" that the other classes share

    Ports:
        logits: the student's
        teacher: the teacher's
    """
    return Loss.mean(distance(logits, teacher, kind, t=t, smoothing=smoothing))
