import numpy as np
import pytest

from bvc.diagnostics import Failed
from bvc.library.evaluators.depth import Depth
from tests.parity.evaluators import rows_of, run


def measured(depth, labels):
    rows = {"images": rows_of(depth=depth.astype(np.float32), labels=labels.astype(np.float32))}
    ports = {"images": lambda batch: {"depth": batch["depth"], "labels": batch["labels"]}}
    return run(Depth(data=None, pipeline=None), rows, ports)


def test_the_range_is_open_and_padding_does_not_count():
    labels = np.full((3, 4, 4), 2.0)
    labels[:, 0], labels[:, 1] = 10.0, 0.001
    assert measured(np.full((3, 2, 2), 3.0), labels) == pytest.approx(
        {"RMSE": 1, "abs_RE": 0.5, "log10": np.log10(1.5), "delta1": 0, "delta2": 1, "delta3": 1}, rel=1e-6
    )


def test_an_image_without_depth_is_told():
    labels = np.full((3, 4, 4), 2.0)
    labels[1] = 0
    with pytest.raises(Failed, match="B0534.*no pixel of image 1 has a depth that counts"):
        measured(np.ones((3, 2, 2)), labels)


def test_a_prediction_below_zero_is_told():
    with pytest.raises(Failed, match="B0535: .* `log10` of 3 of the 3 examples"):
        measured(np.full((3, 2, 2), -1.0), np.ones((3, 4, 4)))
