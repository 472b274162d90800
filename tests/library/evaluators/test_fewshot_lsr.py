import numpy as np
import pytest

from bvc.component import DataError
from bvc.library.evaluators.fewshot_lsr import FewshotLsr
from tests.parity.evaluators import rows_of, run


def test_names_and_what_is_learned():
    random = np.random.default_rng(0)
    label = np.arange(60, dtype=np.int32) % 3
    features = (np.eye(3, 5)[label] + 0.01 * random.normal(size=(60, 5))).astype(np.float32)
    rows = rows_of(features=features, label=label)
    evaluator = FewshotLsr(
        name="toys", data=None, test=None, pipeline=None, shots=(1, 5), seeds=2, display_first=(5,)
    )

    def ports(batch):
        return {"pre_logits": batch["features"], "label": batch["label"]}

    found = run(evaluator, {"train": rows, "test": rows}, {"train": ports, "test": ports})
    assert list(found) == [
        "z/toys_1shot-seed-0",
        "z/toys_1shot-seed-1",
        "a/toys_5shot-seed-0",
        "a/toys_5shot-seed-1",
    ]
    assert found["a/toys_5shot-seed-0"] > 0.9


def test_a_class_that_was_never_learned_is_told():
    evaluator = FewshotLsr(name="toys", data=None, test=None, pipeline=None, shots=(1,), seeds=1)
    state = evaluator.start()
    for stream, label in (("train", [0, 1, 1]), ("test", [0, 2, 1])):
        arrays = {"features": np.eye(3), "label": np.array(label)}
        state = evaluator.update(state, stream, arrays)
    with pytest.raises(DataError, match="class 2 among the tested examples"):
        evaluator.result(state)


def test_a_class_of_the_training_data_that_is_never_tested_is_fine():
    evaluator = FewshotLsr(name="toys", data=None, test=None, pipeline=None, shots=(1,), seeds=1)
    state = evaluator.start()
    for stream, label in (("train", [0, 1, 2]), ("test", [0, 1, 1])):
        arrays = {"features": np.eye(3), "label": np.array(label)}
        state = evaluator.update(state, stream, arrays)
    assert 0 <= evaluator.result(state)["z/toys_1shot-seed-0"] <= 1
