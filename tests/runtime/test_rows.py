import json

import numpy as np
import pytest

from bvc.runtime.folder import Folder
from bvc.runtime.rows import METRICS, Rows, row
from tests.runtime.recorded import RECORDED


def test_rows_look_as_recorded():
    recorded = RECORDED["metrics_file"]
    assert recorded["name"] == METRICS
    lines = recorded["text"].splitlines()
    first = {
        "training_loss": 1.5,
        "val/prec@1": np.float64(0.25),
        "vec": np.zeros((2, 3)),
        "global_schedule": 1,
    }
    assert row(1, first) == lines[0]
    second = {**first, "training_loss": np.float32(0.3), "val/prec@1": 1.25}
    assert row(5, second) == lines[1]
    assert row(6, {"late": float("nan")}) == lines[2]


@pytest.mark.parametrize("last", range(5))
def test_resuming_cuts_what_comes_later(tmp_path, last):
    text = "".join(f'{{"step": {step}}}\n' for step in (0, 1, 3)) + '{"step": 4, "trai'
    (tmp_path / METRICS).write_text(text)
    rows = Rows(Folder(tmp_path), METRICS)
    newest = rows.resume(last)
    kept = [step for step in (0, 1, 3) if step <= last]
    assert newest == kept[-1]
    rows.append(9, {})
    rows.close()
    found = [json.loads(line)["step"] for line in (tmp_path / METRICS).read_text().splitlines()]
    assert found == [*kept, 9]


def test_a_damaged_line_stays(tmp_path):
    (tmp_path / METRICS).write_bytes(b'{"step": 0}\n{"st\xffp": 1}\n[1]\n{"step": 2}\n')
    rows = Rows(Folder(tmp_path), METRICS)
    assert rows.resume(1) == 0
    rows.close()
    assert (tmp_path / METRICS).read_bytes() == b'{"step": 0}\n{"st\xffp": 1}\n[1]\n'
