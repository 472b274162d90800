"""Distances between a student's and a teacher's logits, one value per example (big_vision, trainers/proj/distill)."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.library.losses.cross_entropy import smoothed, softmax_xent

Kind = Literal["euclidean", "l2", "hard", "kl", "logsoftmax_euclidean", "agree"]


def distance(
    student: Float[Array, "*b c"],
    teacher: Float[Array, "*b c"],
    kind: Kind,
    *,
    t: float = 1.0,
    smoothing: float = 0.0,
    k: int = 1,
) -> Float[Array, "*b"]:
    """How far the student is from the teacher.

    Args:
        student: logits.
        teacher: logits, or features for the distances that are no distributions.
        kind: `euclidean`; `l2`, its square; `hard`, cross-entropy to the teacher's choice; `kl`, of softmaxes at
            temperature `t`, times its square (arXiv:1503.02531); `logsoftmax_euclidean`; `agree`, 1 where the teacher's
            choice is among the student's `k` best.
        t: temperature of `kl`.
        smoothing: part of the target of `hard` that the other classes share.
        k: how many guesses `agree` allows.
    """
    if kind == "euclidean":
        return jnp.sqrt(jnp.sum(jnp.square(student - teacher), axis=-1) + 1e-12)
    if kind == "l2":
        return jnp.sum(jnp.square(student - teacher), axis=-1)
    if kind == "logsoftmax_euclidean":
        return distance(jax.nn.log_softmax(student), jax.nn.log_softmax(teacher), "euclidean")
    if kind == "kl":
        ours, theirs = jax.nn.log_softmax(student / t), jax.nn.log_softmax(teacher / t)
        return t * t * jnp.sum(jnp.exp(theirs) * (theirs - ours), axis=-1)
    choice = jnp.argmax(teacher, axis=-1)
    if kind == "hard":
        return softmax_xent(student, smoothed(choice, teacher.shape[-1], smoothing), kl=True)
    best = jax.lax.top_k(student, k)[1]
    return jnp.any(best == choice[..., None], axis=-1).astype(jnp.float32)
