import numpy as np

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
