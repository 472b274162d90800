"""What an epoch means, in words and numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.compile.program import compile_experiment
from bvc.diagnostics import pages
from bvc.plan.data.epoch import explain, passes
from bvc.spec import load

BASE = f'use = "{pages.FOLDER / pages.BASE}"\n'
MIX = """
unset = ["data.train.name", "data.train.split"]
data.train.pipeline = ["decode", "resize(16)", "value_range(-1, 1)", "onehot(10, key='label', to='labels')"]
[data.train.mix]
a = { name = "cifar10", split = "train", weight = 3 }
"""


def told(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "spec.toml"
    path.write_text(BASE + text, encoding="utf-8")
    program = compile_experiment(bind(load(str(path))))
    return explain(passes(program), program.experiment.train.skip_bad)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        (
            'data.train.filter = ["one_of([1])"]\ndata.train.skip_bad = 4\n',
            [
                "an epoch is what the filter lets pass of 45_000 examples of `train[:90%]`, "
                "counted when the run begins",
                "up to 4 bad examples are replaced by others of their source that seed, epoch and number decide",
            ],
        ),
        (
            MIX + 'b = { name = "cifar100", split = "test", weight = 1, filter = ["one_of([1])"] }\n',
            [
                "an epoch is as many examples as all sources hold; each passes its own at its own rate:",
                "  a: 75.00% of the examples, from 50_000 examples of `train`, 0.096 epochs of it",
                "  b: 25.00% of the examples, from 10_000 examples of `test`, filtered, at least 0.16 epochs of it",
            ],
        ),
        (
            MIX + 'b = { source = { type = "image_folder", path = "b" }, split = "train", weight = 1 }\n',
            [
                "an epoch is as many examples as all sources hold; each passes its own at its own rate:",
                "  a: 75.00% of the examples, from 50_000 examples of `train`, 0.096 epochs of it",
                "  b: 25.00% of the examples, from an unknown number of examples of `train`",
                "the data is counted when the run begins; until then an epoch is taken as 1_000_000 examples",
            ],
        ),
    ],
    ids=["one split", "filtered", "mixed", "not counted yet"],
)
def test_an_epoch_is_explained_where_it_is_not_every_example_once(
    tmp_path: Path, text: str, lines: list[str]
) -> None:
    assert told(tmp_path, text) == lines
