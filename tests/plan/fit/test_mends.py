"""What is said to make a plan fit was planned, and fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bvc.bind import bind
from bvc.cli.app import app
from bvc.compile.program import compile_experiment
from bvc.ir import Experiment
from bvc.plan.fit.candidate import Flags
from bvc.plan.fit.mends import mends
from bvc.plan.plan import plan
from bvc.plan.target import Target
from bvc.spec import load

TOY = str(Path(__file__).parent / "toy.toml")


def again(flags: Flags) -> Experiment:
    return bind(load(TOY, "", list(flags)))


@pytest.mark.slow
def test_single_changes_that_make_it_fit() -> None:
    program = compile_experiment(again(()))
    roomy = plan(program, Target("a test", "tpu", 1, 2**30))
    tight = replace(roomy, target=replace(roomy.target, memory=roomy.memory.total * 3 // 4))
    found = mends(program, tight, again, names_split=False)
    assert {settings[0][0] for settings, _ in found} >= {"run.accumulate", "data.train.batch"}
    assert all(not fitting.excess for _, fitting in found)
    result = CliRunner().invoke(app, ["plan", TOY, "--target", "l4:1", "--set=data.train.batch=2_000_000"])
    assert result.exit_code == 1
    assert "more than the 21.4 GiB" in result.output and "--set run.accumulate=" in result.output
    tiny = replace(roomy, target=replace(roomy.target, memory=2**16))
    assert mends(program, tiny, again, names_split=False) == []
