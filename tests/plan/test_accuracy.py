"""The plan's memory against what a compiler for absent TPUs said (`bench/plan_accuracy.py` records it)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bvc.bind import bind
from bvc.compile.program import compile_experiment
from bvc.plan.plan import plan
from bvc.plan.target import find_target
from bvc.spec import load, parse_target

ROOT = Path(__file__).parent.parent.parent
RECORD = json.loads((ROOT / "bench" / "plan_accuracy.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("row", RECORD["rows"], ids=lambda row: row["spec"].rsplit("/", 1)[-1])
def test_within_ten_per_cent_of_the_compiler(row: dict[str, str | int]) -> None:
    path, params = parse_target(str(row["spec"]))
    program = compile_experiment(bind(load(str(ROOT / path), params)))
    estimate = plan(program, find_target(str(row["target"]))).memory.total
    assert estimate == pytest.approx(row["compiled"], rel=0.10)
