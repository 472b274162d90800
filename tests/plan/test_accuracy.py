"""The plan's memory against what compilers for absent TPUs and GPUs said (`bench/plan_accuracy.py` records it)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bvc.bind import bind
from bvc.compile.program import compile_experiment
from bvc.plan.plan import plan
from bvc.plan.target import find_target
from bvc.spec import load, parse_target

ROOT = Path(__file__).parent.parent.parent
ROWS: list[dict[str, Any]] = json.loads((ROOT / "bench" / "plan_accuracy.json").read_text(encoding="utf-8"))[
    "rows"
]
SCANNED, OTHER = {"gpu": 0.05, "tpu": 0.08}, 0.10


def check(row: dict[str, Any]) -> None:
    target = find_target(row["target"])
    path, params = parse_target(row["spec"])
    program = compile_experiment(bind(load(str(ROOT / path), params)))
    estimate = plan(program, target).memory.total
    bound = SCANNED[target.kind] if row["scanned"] else OTHER
    assert estimate / 2**20 == pytest.approx(row["mib"], rel=bound)


def name(row: dict[str, Any]) -> str:
    return f"{row['target']} {row['spec'].rsplit('/', 1)[-1]}"


def test_the_record_has_every_model_on_both_kinds_of_hardware() -> None:
    """ViT-S, B, L and SigLIP-B at two batch sizes, with and without recomputation."""
    scanned = [row for row in ROWS if row["scanned"]]
    for target in ("h100:8", "tpu-v5e:2x4"):
        assert len([row for row in scanned if row["target"] == target]) == 4 * 2 * 2


@pytest.mark.parametrize("spec", sorted(path.name for path in (ROOT / "specs").glob("*.toml")))
def test_the_record_has_every_spec_on_both_kinds_of_hardware(spec: str) -> None:
    found = {find_target(row["target"]).kind for row in ROWS if row["spec"].startswith(f"specs/{spec}")}
    assert found == {"gpu", "tpu"}


SMALL = [row for row in ROWS if "S/16,batch=256,remat=full" in row["spec"]]
SAMPLE = (
    "S/16,batch=512,remat=none",
    "B/16,batch=512,remat=none",
    "adafactor,batch=512,remat=full",
    "siglip.toml:variant=B/16,batch=256,remat=full",
    "siglip.toml:variant=B/16,batch=1024,remat=full",
    "remat=full,fsdp",
    "remat=full,pool=map",
    "captioner.toml:batch=256",
    "captioner.toml:batch=512,fsdp",
    "lit_coco.toml",
    "lit_coco.toml:txt=bert_large,img=L/16",
    "vit_s16_i1k.toml",
    "mlp_mixer_i1k.toml",
)
"""One of each kind; `bench/plan_accuracy.py --recorded` takes them all."""


@pytest.mark.parametrize("row", SMALL, ids=name)
def test_the_estimate_is_near_the_compilers_figure(row: dict[str, Any]) -> None:
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in ROWS if row["spec"].endswith(SAMPLE)], ids=name)
def test_the_estimate_is_near_the_figure_for_all_kinds_of_steps(row: dict[str, Any]) -> None:
    check(row)
