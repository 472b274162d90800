"""Programs to plan, compiled once, and any function as the ops of a step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import pytest
from jax.sharding import PartitionSpec

from bvc.bind import bind
from bvc.compile.program import Program, compile_experiment
from bvc.plan.ops import Ops, read_step
from bvc.plan.plan import Plan, plan
from bvc.plan.target import Target
from bvc.spec import load


@functools.cache
def _program(params: str) -> Program:
    return compile_experiment(bind(load(str(Path(__file__).parent / "two_towers.toml"), params)))


@pytest.fixture
def program() -> Callable[[str], Program]:
    """The program of `two_towers.toml` with these params, as on the command line."""
    return _program


@functools.cache
def _planned(mesh: str) -> Plan:
    return plan(_program(f"mesh={mesh}"), Target("a test", "gpu", 1 if mesh == "one" else 8, 2**30))


@pytest.fixture
def planned() -> Callable[[str], Plan]:
    """The plan of `two_towers.toml` on a mesh: `one`, `data` or `fsdp`."""
    return _planned


def _trace(function: Callable[..., Any], *arguments: Any) -> Ops:
    leaves = jax.tree.leaves(arguments)
    step = jax.make_jaxpr(function)(*arguments)
    return read_step(step, {}, [PartitionSpec()] * len(leaves), [""] * len(leaves))


@pytest.fixture
def trace() -> Callable[..., Ops]:
    """`trace(function, *arguments)`: the ops of a function on one device."""
    return _trace
