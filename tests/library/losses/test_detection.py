"""The reward of detections by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.library.losses.detection import THRESHOLDS, Objects, detection_reward, objects_of_tokens, overlap

reward_of = jax.jit(detection_reward, static_argnames="thresholds")
COUNTS = jnp.array([10.0, 10.0, 1.0])
BOX = [0.0, 0.0, 1.0, 1.0]


def objects(*boxes: tuple[list[float], int, int]) -> Objects:
    corners, classes, confidence = zip(*boxes, strict=True)
    return Objects(jnp.array(corners), jnp.array(classes), jnp.array(confidence))


def test_every_threshold_counts_once() -> None:
    """big_vision's mean threshold is 0.755: 0.55 and 0.6 have one place, so have 0.75, 0.8 and 0.85."""
    assert len(set(THRESHOLDS)) == 10 and np.mean(THRESHOLDS) == pytest.approx(0.725)
    detected = objects(([0.0, 0.0, 0.72, 1.0], 0, 2))
    found = reward_of(detected, objects((BOX, 0, 2)), jnp.ones(3))
    assert found.found.tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert float(jnp.mean(found.reward)) == pytest.approx(0.5)
    np.testing.assert_allclose(found.overlap[:, 0], [0.72] * 5 + [0.0] * 5, rtol=1e-6)


def test_objects_that_are_found_again_cost() -> None:
    detected = objects((BOX, 0, 2), (BOX, 0, 1), (BOX, 1, 2), (BOX, 0, 0))
    found = reward_of(detected, objects((BOX, 0, 2)), jnp.ones(3), thresholds=(0.5,))
    assert (float(found.reward[0]), float(found.duplicates[0])) == pytest.approx((0.7, 1.0))


def test_rare_classes_weigh_more() -> None:
    rewards = [
        float(reward_of(one, one, COUNTS, thresholds=(0.5,)).reward[0])
        for one in (objects((BOX, 0, 2)), objects((BOX, 2, 2)))
    ]
    assert rewards[1] / rewards[0] == pytest.approx((10 + 0.05 * 21) / (1 + 0.05 * 21), rel=1e-5)


def test_an_image_without_objects_has_no_reward() -> None:
    nothing = objects((BOX, 0, 0))
    assert not np.any(reward_of(objects((BOX, 0, 2)), nothing, COUNTS).reward)


def test_sequences_say_boxes_classes_and_confidence() -> None:
    tokens = jnp.array([3, 3 + 250, 3 + 500, 3 + 1000, 3 + 1001 + 2, 2, 0, 0, 0, 0, 0, 0, 7, 7])
    found = objects_of_tokens(tokens, classes=3)
    np.testing.assert_allclose(found.corners[0], [0, 0.25, 0.5, 1.0])
    assert found.classes.tolist() == [2, 0] and found.confidence.tolist() == [2, 0]


def test_overlap_of_boxes() -> None:
    boxes = jnp.array([BOX, [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]])
    np.testing.assert_allclose(overlap(boxes, boxes), [[1, 0.5, 0.5], [0.5, 1, 0], [0.5, 0, 1]], atol=1e-6)
