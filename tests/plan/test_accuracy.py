"""The plan's memory against what compilers for absent TPUs and GPUs said (`bench/plan_accuracy.py` records it)."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from bvc.bind import bind
from bvc.compile.program import Program, compile_experiment
from bvc.plan.plan import plan
from bvc.plan.target import find_target
from bvc.spec import load, parse_target

ROOT = Path(__file__).parent.parent.parent
ROWS: list[dict[str, Any]] = json.loads((ROOT / "bench" / "plan_accuracy.json").read_text(encoding="utf-8"))[
    "rows"
]
SCANNED, OTHER = {"gpu": 0.05, "tpu": 0.08}, 0.10


@functools.lru_cache(maxsize=1)
def compiled(spec: str) -> Program:
    path, params = parse_target(spec)
    return compile_experiment(bind(load(str(ROOT / path), params)))


def check(row: dict[str, Any]) -> None:
    target = find_target(row["target"])
    estimate = plan(compiled(row["spec"]), target).memory.total
    bound = SCANNED[target.kind] if row["scanned"] else OTHER
    assert estimate / 2**20 == pytest.approx(row["mib"], rel=bound)


def name(row: dict[str, Any]) -> str:
    return f"{row['target']} {row['spec'].rsplit('/', 1)[-1]}"


def test_the_record_has_every_model_on_both_kinds_of_hardware() -> None:
    """ViT-S, B, L and SigLIP-B at two batch sizes, with and without recomputation."""
    scanned = [row for row in ROWS if row["scanned"]]
    for target in ("h100:8", "tpu-v5e:2x4"):
        assert len([row for row in scanned if row["target"] == target]) == 4 * 2 * 2
    assert len({row["spec"] for row in ROWS if not row["scanned"]}) >= 8


@pytest.mark.parametrize("row", [row for row in ROWS if "S/16,batch=256,remat=full" in row["spec"]], ids=name)
def test_the_estimate_is_near_the_compilers_figure(row: dict[str, Any]) -> None:
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", sorted(ROWS, key=lambda row: row["spec"]), ids=name)
def test_the_estimate_is_near_every_figure(row: dict[str, Any]) -> None:
    check(row)
