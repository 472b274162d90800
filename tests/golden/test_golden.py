"""Every spec of `specs/`: resolved text, parameters, schedules and plan, as files whose changes a review shows."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import pytest

from bvc.check import Checked, check
from bvc.plan.plan import Plan, plan
from bvc.plan.report import render
from bvc.plan.target import find_target
from bvc.spec import load
from bvc.spec.show import show

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(__file__).parent
TARGET = "h100:8"
SPECS = {path.stem: (path.name, "") for path in sorted((ROOT / "specs").glob("*.toml"))}
SPECS["siglip_coco_local"] = ("siglip_coco.toml", "local")
QUICK = ("siglip_coco", "siglip_coco_local")
COMPILED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SPECS]
Golden = Callable[[Path, str], str]


@functools.cache
def checked(name: str) -> Checked:
    file, params = SPECS[name]
    return check(str(ROOT / "specs" / file), params)


@functools.cache
def planned(name: str) -> Plan:
    program = checked(name).program
    assert program is not None
    return plan(program, find_target(TARGET))


def test_golden_files_are_those_of_a_spec() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] != "_"} == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_resolved_spec(name: str, golden: Golden) -> None:
    file, params = SPECS[name]
    shown = show(load(str(ROOT / "specs" / file), params))
    assert shown == golden(FOLDER / name / "spec.toml", shown)


@pytest.mark.parametrize("name", COMPILED)
def test_parameters(name: str, golden: Golden) -> None:
    rows = [
        (
            row.name,
            " ".join(map(str, row.shape)) or "scalar",
            row.dtype,
            row.layout,
            "" if row.trained else "frozen",
        )
        for row in planned(name).parameters
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    listed = "\n".join(lines) + "\n"
    assert listed == golden(FOLDER / name / "params.txt", listed)


@pytest.mark.parametrize("name", COMPILED)
def test_schedules(name: str, golden: Golden) -> None:
    program = checked(name).program
    assert program is not None
    total = program.total
    steps = sorted(
        {0, 1, total // 100, total // 20, total // 10, total // 4, total // 2, total * 9 // 10, total - 1}
    )
    lines = [
        f"{step:>8}  "
        + "  ".join(f"{float(schedule(jnp.int32(step))):.4f}" for schedule in program.update.schedules)
        for step in steps
    ]
    listed = "\n".join(lines) + "\n"
    assert listed == golden(FOLDER / name / "schedule.txt", listed)


@pytest.mark.parametrize("name", COMPILED)
def test_plan(name: str, golden: Golden) -> None:
    """Without what depends on the version of jax (the memory of activations) or on line numbers."""
    blocks = render(planned(name)).split("\n\n")
    head, parameters, batch, flops, collectives = (blocks[at] for at in (0, 2, 3, 4, 5))
    kept = re.sub(r"\.py:\d+", ".py", "\n\n".join([head, parameters, batch, flops, collectives])) + "\n"
    assert kept == golden(FOLDER / name / "plan.txt", kept)
