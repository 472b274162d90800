"""`[data.train.mix]`: several sources of training data."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.diagnostics import Failed, Sources, pages
from bvc.ir import Experiment
from bvc.spec import load

HEAD = f"""use = "{pages.FOLDER / pages.BASE}"
unset = ["data.train.name", "data.train.split"]
[data.train]
pipeline = ["resize(16)", "onehot(10, key='label', to='labels')"]
skip_bad = 5
"""
A = 'a = { name = "cifar10", split = "train", weight = 3, pipeline = ["decode"] }\n'
B = 'b = { name = "cifar100", split = "test", weight = 1, filter = ["one_of([1])", "image_size(least=32)"] }\n'


def bound(tmp_path: Path, text: str, sources: Sources | None = None) -> Experiment:
    path = tmp_path / "spec.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return bind(load(str(path), sources=sources))


def test_each_source_has_its_data_and_its_whole_pipeline(tmp_path: Path) -> None:
    train = bound(tmp_path, f"[data.train.mix]\n{A}{B}").train
    assert [(each.name, each.data.name, each.weight) for each in train.sources] == [
        ("a", "cifar10", 3.0),
        ("b", "cifar100", 1.0),
    ]
    first, second = train.sources
    assert [(op.name, op.position) for op in first.pipeline] == [("decode", 0), ("resize", 1), ("onehot", 2)]
    assert [op.position for op in second.pipeline] == [0, 1]
    assert [(call.name, dict(call.reads)) for call in second.data.filter] == [
        ("one_of", {"label": "label"}),
        ("image_size", {"image": "image"}),
    ]
    assert train.skip_bad == 5


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        (f'name = "cifar10"\n[data.train.mix]\n{A}', "B0117", "name"),
        ("mix = {}\n", "B0101", "{}"),
        (f"[data.train.mix]\n{A}c = 3\n", "B0110", "3"),
        ('[data.train.mix]\nc = { name = "cifar10", split = "train" }\n', "B0101", None),
        ('[data.train.mix]\nc = { name = "cifr10", split = "train", weight = 1 }\n', "B0140", '"cifr10"'),
        (
            '[data.train.mix]\nc = { name = "cifar10", split = "train", weight = 1, shuffle = true }\n',
            "B0102",
            "shuffle",
        ),
        (f"[data.train.mix]\n{A}{B.replace('weight = 1', 'weight = 1e-6')}", "B0147", "1e-6"),
        (f"[data.train.mix]\n{A.replace('weight = 3', 'weight = 0')}", "B0147", "0"),
        (f"[data.train.mix]\n{B.replace('one_of', 'onof')}", "B0104", "onof"),
    ],
)
def test_what_is_wrong_is_marked(tmp_path: Path, text: str, code: str, marked: str | None) -> None:
    sources = Sources()
    with pytest.raises(Failed) as failed:
        bound(tmp_path, text, sources)
    (told,) = failed.value.diagnostics
    assert told.code == code and told.place is not None
    assert marked is None or sources.slice(told.place) == marked
