"""Evaluations of `stdlib/eval` are bound with what their `doc` asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind_parts
from bvc.spec import load

SPEC = Path(__file__).parents[2] / "specs" / "tiny_siglip.toml"
EVALS = Path(__file__).parents[3] / "stdlib" / "eval"
GIVEN = {
    "coco_captions": 'pipeline = ["decode"]\nannotations = "captions.json"\ntokenizer = "vocab.txt"',
    "coco_panoptic": 'pipeline = ["decode"]\nview = "any"\nannotations = "val.json"\nmaps = "val.zip"',
    "coco_retrieval": "text_pipeline = [\"lower(from='captions/text', to='text')\"]",
    "nyu_depth": 'view = "depth"',
    "shapes_zeroshot": "text_pipeline = [\"lower(key='text')\"]",
    "zeroshot": 'name = "own"\ndata = { name = "shapes", split = "test" }\ntext_pipeline = ["lower(key=\'text\')"]\n'
    'with = { classes = "names.txt", templates = ["{}"] }',
}


@pytest.mark.parametrize("name", sorted(path.stem for path in EVALS.glob("*.toml")))
def test_fragment(name: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    table = f'[evals.own]\nuse = "std:eval/{name}"\nevery = "1 steps"\n{GIVEN[name]}\n'
    file.write_text(f'use = "{SPEC}"\n{table}')
    bound = bind_parts(load(str(file)))
    assert not bound.diagnostics and bound.experiment is not None
    assert "own" in [each.name for each in bound.experiment.evals]
