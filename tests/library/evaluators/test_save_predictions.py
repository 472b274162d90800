import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.diagnostics import Failed
from bvc.library.evaluators.save_predictions import SavePredictions
from bvc.runtime.folder import Folder
from bvc.runtime.predictions import keep_files


def saved():
    evaluator, state = SavePredictions(data=None, pipeline=None, view="any"), {}
    for batch in ([1, 2], [3]):
        arrays = evaluator.examples(jnp.asarray(batch), jnp.asarray(batch) * 10)
        state = evaluator.update(state, "examples", jax.device_get(arrays))
    assert evaluator.result(state) == {"examples": 3}
    return evaluator.files(state)


def test_predictions_lie_in_the_work_directory(tmp_path):
    keep_files(Folder(tmp_path), "all", 40, {**saved(), "maps/1.png": b"png"})
    with np.load(tmp_path / "evals/all/000000040/predictions.npz", allow_pickle=False) as archive:
        assert archive["prediction"].tolist() == [1, 2, 3] and archive["labels"].tolist() == [10, 20, 30]
    assert (tmp_path / "evals/all/000000040/maps/1.png").read_bytes() == b"png"


def test_labels_need_not_be_there():
    evaluator = SavePredictions(data=None, pipeline=None, view="any")
    state = evaluator.update({}, "examples", jax.device_get(evaluator.examples(jnp.ones(2))))
    assert np.load(io.BytesIO(evaluator.files(state)["predictions.npz"])).files == ["prediction"]


def test_where_nothing_can_be_written_it_is_told(tmp_path):
    (tmp_path / "evals").write_text("a file")
    with pytest.raises(Failed, match="B0514: cannot write what `evals.all` saves"):
        keep_files(Folder(tmp_path), "all", 40, saved())
