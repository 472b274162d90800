"""How far a check comes, what it tells, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.check import check, check_file
from bvc.diagnostics import pages

BASE = pages.FOLDER / pages.BASE


@pytest.fixture
def write(tmp_path: Path) -> Path:
    return tmp_path / "spec.toml"


def codes(path: Path, text: str) -> list[str]:
    path.write_text(f'use = "{BASE}"\n{text}', encoding="utf-8")
    return [diagnostic.code for diagnostic in check(str(path)).diagnostics]


def test_a_good_spec_is_compiled_and_traced() -> None:
    found = check(str(BASE))
    assert found.ok and found.diagnostics == []
    assert found.spec is not None and found.experiment is not None and found.program is not None
    assert found.step is not None
    assert found.program.total == 100 and found.program.examples == 45_000
    assert set(found.program.batch) == {"image", "labels"}


def test_the_text_stops_before_names() -> None:
    found = check(str(BASE), {"no": 1})
    assert not found.ok and found.spec is None and found.experiment is None


def test_errors_of_names_and_of_shapes_are_told_together_in_file_order(write: Path) -> None:
    text = """
optimizer.lr = "x"
model.heads = 3
data.train.pipeline = ["resize(3)", "decode"]
run.lenght = "3 steps"
"""
    assert codes(write, text) == ["B0110", "B0301", "B0311", "B0102"]


def test_parts_that_do_not_fit_are_told_together(write: Path) -> None:
    text = """
mesh.axes = { data = 5, fsdp = 2 }
model.out_dim = 11
optimizer.schedule.warmup = "100%"
layout = [{ match = "haed/.*", shard = "data" }, { match = ".*", shard = "model" }]
"""
    assert codes(write, text) == ["B0401", "B0304", "B0323", "B0320", "B0402"]


def test_a_cause_is_told_once_for_training_and_evaluations(write: Path) -> None:
    text = """
model.size = 24
[evals.val]
type = "classification"
every = "50 steps"
data = { name = "cifar10", split = "test" }
pipeline = ["decode", "resize(16)", "value_range(-1, 1)", "onehot(10, key='label', to='labels')"]
"""
    assert codes(write, text) == ["B0302"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('optimizer.schedule.cooldown = "100 steps"', ["B0323"]),
        ('layout = [{ match = ".*", shard = { dim = 7, axis = "data" } }]', ["B0410"]),
        ('objective.feeds = { logits = "" }', ["B0130"]),
        ('run.length = "1e12 epochs"', ["B0115"]),
        ("data.train.pipeline = []", ["B0305"]),
    ],
)
def test_single_causes(write: Path, text: str, found: list[str]) -> None:
    assert codes(write, text) == found


def test_settings_and_params_of_the_command_line() -> None:
    assert check(str(BASE), "", [("model.depth", "2")]).ok
    assert [d.code for d in check(str(BASE), "", [("model.dpeth", "2")]).diagnostics] == ["B0102"]
    diagnostics, sources = check_file(f"{BASE}:nothing=1")
    assert [d.code for d in diagnostics] == ["B0154"]
    assert str(BASE) in sources
