import json

import pytest

from bvc.runtime.folder import Folder
from bvc.runtime.metrics.rows import METRICS, Rows
from tests.runtime.recorded import RECORDED, rows


def test_rows_look_as_recorded():
    recorded = RECORDED["metrics_file"]
    assert recorded["name"] == METRICS
    assert rows() == recorded["text"].splitlines()


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
