"""What is wrong with an evaluation is told when its spec is checked: shapes, and files of the evaluators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bvc.check import check
from bvc.runtime.evaluator_files import check_evaluator_files

SPEC = Path(__file__).parent / "bad_input.toml"
GOOD = Path(__file__).parents[2] / "specs" / "tiny_siglip.toml"
PANOPTIC = """
[evals.panoptic]
type        = "panoptic_quality"
every       = "1 steps"
view        = "embed_image"
annotations = "val.json"
maps        = "maps"
feeds       = { semantics = "batch.maps", instances = "batch.maps", image_id = "batch.id" }
data        = { split = "a", source = { type = "generated", like = { image = "bytes", maps = "i32[4 4]", id = "i64" }}}
pipeline    = ["decode", "resize(16)", "value_range(-1, 1)"]
"""


def test_predictions_of_wrong_shape() -> None:
    told = [(each.code, each.message) for each in check(str(SPEC)).diagnostics]
    assert told == [
        ("B0304", "dim `c` of `classification` is 3 in `view.logits` and 4 in `batch.labels`"),
        ("B0303", "`view.logits` does not fit port `depth` of `depth`"),
    ]


@pytest.mark.slow
def test_files_are_verified_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    head = 'unset = ["evals.retrieval"]\n'
    (tmp_path / "spec.toml").write_text(f'use = "{GOOD}"\n{head}{PANOPTIC}')
    program = check("spec.toml").program
    assert program is not None
    absent = check_evaluator_files(program)
    assert [(each.code, each.severity, each.message) for each in absent] == [
        ("B0502", "warning", "no file `val.json`"),
        ("B0502", "warning", "no file `maps`"),
    ]
    (tmp_path / "maps").mkdir()
    (tmp_path / "val.json").write_text("{}")
    assert [each.code for each in check_evaluator_files(program)] == ["B0534"]
    category = {"id": 1, "name": "person", "isthing": 1}
    (tmp_path / "val.json").write_text(json.dumps({"categories": [category], "annotations": []}))
    assert not check_evaluator_files(program)
