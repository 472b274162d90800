"""The reward of detected objects, which a model is tuned by (arXiv:2302.08242; big_vision
`configs/proj/reward_tune/detection_reward.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
"""Overlaps above which a detection counts, as in COCO's average precision."""
_TOKENS = 6
"""Of an object: top, left, bottom, right, class, confidence."""


class Objects(NamedTuple):
    """What a sequence of tokens says: corners in [0, 1], classes, and how sure it is (0: no object)."""

    corners: Float[Array, "n 4"]
    classes: Int[Array, "n"]
    confidence: Int[Array, "n"]


class Reward(NamedTuple):
    """For each threshold: the reward, how many true objects were found, the penalty of finding them again, and the
    overlap of each detection with the object that it found.
    """

    reward: Float[Array, "thresholds"]
    found: Int[Array, "thresholds"]
    duplicates: Float[Array, "thresholds"]
    overlap: Float[Array, "thresholds n"]


def objects_of_tokens(
    tokens: Int[Array, "s"], classes: int, *, levels: int = 1000, confidences: int = 2
) -> Objects:
    """Read a sequence: token 0 is nothing, then come confidences, levels of coordinates from 0 on, and classes."""
    whole = tokens[: len(tokens) - len(tokens) % _TOKENS].reshape(-1, _TOKENS)
    first = confidences + 1
    corners = jnp.clip(whole[:, :4] - first, 0, levels) / levels
    return Objects(
        corners,
        jnp.clip(whole[:, 4] - first - levels - 1, 0, classes - 1),
        jnp.clip(whole[:, 5], 0, confidences),
    )


def detection_reward(
    detected: Objects,
    true: Objects,
    class_counts: Float[Array, "c"],
    *,
    thresholds: tuple[float, ...] = THRESHOLDS,
    duplicate_weight: float = 0.3,
    smoothing: float = 0.05,
) -> Reward:
    """What the detections of an image are worth at each threshold; the reward is their mean.

    big_vision keeps results under thresholds of one decimal, where 0.55 and 0.6 are the same, so that some count twice
    and others not at all. Here every threshold has a place of its own.

    Args:
        detected: what the model says.
        true: what is there.
        class_counts: objects of each class in the training data; rare classes weigh more.
        thresholds: overlaps (intersection over union) that a detection must exceed.
        duplicate_weight: of objects that are found again.
        smoothing: part of the sum of all counts that is added to each.
    """
    weights = 1 / (class_counts + smoothing * jnp.sum(class_counts))
    weights = weights / jnp.mean(weights)
    real = (detected.confidence[:, None] > 0) & (true.confidence[None, :] > 0)
    alike = real & (detected.classes[:, None] == true.classes[None, :])
    overlaps = jnp.where(alike, overlap(detected.corners, true.corners), 0.0)

    def at(threshold: Float[Array, ""]) -> Reward:
        enough = jnp.where(overlaps > threshold, overlaps, 0.0)
        # each detection finds the object that it overlaps most, and of an object's detections the best one counts
        own = enough * jax.nn.one_hot(jnp.argmax(enough, axis=1), enough.shape[1])
        is_found = jnp.max(own, axis=0) > 0
        best = jax.nn.one_hot(jnp.argmax(own, axis=0), own.shape[0], axis=0) * is_found
        again = jnp.sum((own > 0) * (1 - best) * weights[detected.classes][:, None])
        gained = jnp.sum(is_found * weights[true.classes])
        return Reward(gained - duplicate_weight * again, jnp.sum(is_found), again, jnp.sum(own, axis=1))

    return jax.vmap(at)(jnp.asarray(thresholds))


def overlap(one: Float[Array, "n 4"], other: Float[Array, "m 4"]) -> Float[Array, "n m"]:
    """Intersection over union of boxes: top, left, bottom, right."""
    low = jnp.maximum(one[:, None, :2], other[None, :, :2])
    high = jnp.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = jnp.prod(jnp.maximum(high - low, 0.0), axis=-1)
    area, other_area = (jnp.abs(jnp.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)) for boxes in (one, other))
    return shared / (area[:, None] + other_area[None, :] - shared + 1e-9)
