"""Precision with one label, several and none."""

from __future__ import annotations

import numpy as np
import pytest

from bvc.diagnostics import Failed
from tests.parity.evaluators import classified

LOGITS = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9], [0, 0, 9]], np.float32)
LABELS = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]], np.float32)


@pytest.mark.parametrize("loss", ["softmax_xent", "sigmoid_xent"])
def test_any_of_several_labels_is_right_and_images_without_drop_out(loss: str) -> None:
    found = classified(loss, LOGITS, LABELS)
    assert found["prec@1"] == pytest.approx(2 / 3)
    assert found == pytest.approx(classified(loss, LOGITS[:3], LABELS[:3]))


def test_a_class_that_never_occurs_changes_nothing() -> None:
    logits, labels = LOGITS[:, [0, 1, 2, 0]], np.pad(LABELS, ((0, 0), (0, 1)))
    logits[:, 3] = -99
    assert classified("softmax_xent", logits, labels) == pytest.approx(
        classified("softmax_xent", LOGITS, LABELS)
    )


def test_without_labels_there_is_nothing_to_measure() -> None:
    with pytest.raises(Failed, match="B0534: .*no example with a label"):
        classified("softmax_xent", LOGITS, np.zeros_like(LABELS))


def test_nan_is_no_prediction() -> None:
    with pytest.raises(Failed, match="B0535: .*NaN: `loss` of 1 of the 4 examples"):
        classified("softmax_xent", np.where(np.eye(4, 3) * [1, 0, 0] > 0, np.nan, LOGITS), LABELS)
