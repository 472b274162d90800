"""What the parts of a step cost: each shows in the plan, and only where the spec names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bvc.compile.program import Program, compile_experiment
from bvc.ir import PerturbationNode
from bvc.plan.plan import Plan, plan
from bvc.plan.report import render
from bvc.plan.target import Target


def on_one(program: Program) -> Plan:
    return plan(program, Target("a test", "gpu", 1, 2**30))


def test_accumulation_takes_less_memory_and_encodes_twice(
    program: Callable[[str], Program], planned: Callable[[str], Plan]
) -> None:
    """The pairwise loss needs all embeddings before the first gradient: one more forward pass."""
    whole = program("mesh=one")
    experiment = whole.experiment
    parts = compile_experiment(replace(experiment, run=replace(experiment.run, accumulate=8)))
    once, eight = planned("one"), on_one(parts)
    assert eight.memory.step < once.memory.step / 2
    assert 0.9 < (eight.flops["forward"] - once.flops["forward"]) / once.flops["forward"] < 1.1
    assert "in 8 parts" in render(eight)
    assert " parts" not in render(once)


def test_a_perturbed_gradient_costs_both_passes_again(
    program: Callable[[str], Program], planned: Callable[[str], Plan]
) -> None:
    whole = program("mesh=one")
    experiment = whole.experiment
    node = PerturbationNode((0.1, 0.1), None, 0.0, False, "perturbed", None, experiment.origin)
    sam = compile_experiment(replace(experiment, perturbation=node))
    once, twice = planned("one"), on_one(sam)
    for name in ("forward", "backward"):
        assert twice.flops[name] == pytest.approx(2 * once.flops[name], rel=1e-3)
