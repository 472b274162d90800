import numpy as np
import pytest

from bvc.runtime.padding import expanded, padded
from tests.parity.evaluators import Recorded

RECORDED = Recorded("mask_padding")


@pytest.mark.parametrize("case", ["case0", "case1", "case2"])
def test_last_batches_are_padded_as_recorded(case):
    described = RECORDED.cases[case]
    x, y = (RECORDED.input(described["inputs"][name]) for name in ("x", "y"))
    numbers = np.asarray(described["inputs"]["_id"], np.int32)
    rows = [{"z": a, "y": b, "_id": c} for a, b, c in zip(x, y, numbers, strict=True)]
    batches = list(padded(rows, described["batch_size"]))
    assert len(batches) == described["steps"]
    for name, expected in RECORDED.outputs(case).items():
        found = np.stack([batch[name] for batch in batches])
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_texts_are_padded_with_empty_ones():
    (batch,) = padded([{"text": "a"}, {"text": "bcd"}], 3)
    assert batch["text"].tolist() == ["a", "bcd", ""]


def test_an_example_of_its_own_mask_keeps_it():
    (batch,) = padded([{"x": 1, "_mask": np.bool_(False)}], 1)
    assert batch["_mask"].tolist() == [False]


def test_every_value_becomes_an_example():
    rows = [{"texts": ["a", "b"], "id": 7}, {"texts": [], "id": 8}, {"texts": ["c"], "id": 9}]
    found = [(row["texts"], row["id"], int(row["_parent"])) for row in expanded(rows, "texts")]
    assert found == [("a", 7, 0), ("b", 7, 0), ("c", 9, 2)]
