import math

import numpy as np
import pytest

from bvc.library.evaluators.classification import Classification
from tests.parity.evaluators import Recorded, close, run

RECORDED = Recorded("classification")


def measured(loss, logits, labels):
    rows = [{"logits": row, "labels": label} for row, label in zip(logits, labels, strict=True)]
    evaluator = Classification(data=None, pipeline=None, loss=loss)
    return run(
        evaluator,
        {"examples": rows},
        {"examples": lambda batch: {"logits": batch["logits"], "labels": batch["labels"]}},
    )


@pytest.mark.parametrize("case", RECORDED.cases)
def test_metrics_are_those_recorded(case):
    labels, loss = case.split("_", 1)
    found = measured(loss, RECORDED.input("logits"), RECORDED.input(labels))
    close(found, RECORDED.outputs(case), atol=1e-6, rtol=2e-5)


def test_without_labels_there_is_nothing_to_measure():
    found = measured("softmax_xent", np.ones((3, 4), np.float32), np.zeros((3, 4), np.float32))
    assert all(math.isnan(value) for value in found.values())
