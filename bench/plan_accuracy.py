"""How near the plan's estimate of memory comes to what the compilers of absent TPUs and GPUs say.

    pip install 'bvc[tpu,cuda]'
    python bench/plan_accuracy.py                 all steps below: an hour and a half on two cores
    python bench/plan_accuracy.py --only h100 L/16
    python bench/plan_accuracy.py --recorded      the estimates of now beside the figures that are recorded

Each figure goes into `bench/plan_accuracy.json` at once, with the compiler's version; `tests/plan/test_accuracy.py`
compares the estimate with them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from bvc.bind import bind
from bvc.compile.program import compile_experiment
from bvc.plan.plan import Plan, plan
from bvc.plan.target import find_target
from bvc.plan.xla.ask import with_compiled
from bvc.spec import load, parse_target

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "bench" / "plan_accuracy.json"
H100, V5E = "h100:8", "tpu-v5e:2x4"
MIB = 2**20

SCANNED = {
    "bench/vit.toml:variant=S/16": {V5E: (256, 512), H100: (256, 1024)},
    "bench/vit.toml:variant=B/16": {V5E: (256, 512), H100: (512, 1024)},
    "bench/vit.toml:variant=L/16,optimizer=adafactor": {V5E: (64, 128), H100: (256, 512)},
    "bench/siglip.toml:variant=B/16": {V5E: (128, 256), H100: (512, 1024)},
}
"""Batches that fit; each with and without `remat = "full"`."""

OTHERS = {
    V5E: (
        "bench/vit.toml:variant=S/16,batch=512,remat=dots",
        "bench/vit.toml:variant=S/16,batch=256,dtype=float32",
        "bench/vit.toml:variant=B/16,batch=512,remat=full,fsdp",
        "bench/siglip.toml:variant=B/16,batch=1024,remat=full,fsdp",
        "bench/captioner.toml:batch=256",
        "specs/siglip_coco.toml",
    ),
    "tpu-v5e:4x4": ("specs/lit_coco.toml", "specs/transfer.toml"),
    "tpu-v5e:4x8": (
        "specs/mlp_mixer_i1k.toml:gpu8",
        "specs/uvim_coco_panoptic.toml:singlehost",
        "specs/vit_s16_i1k.toml",
    ),
    "tpu-v5e:8x8": (
        "specs/lit_coco.toml:txt=bert_large,img=L/16",
        "specs/uvim_vqvae_coco_panoptic.toml:singlehost",
    ),
    "tpu-v5e:16x16": (
        "specs/bit_i1k.toml",
        "specs/bit_i21k.toml",
        "specs/mlp_mixer_i1k.toml",
        "specs/transfer.toml:model=vit-i21k-augreg-l/16,fsdp",
        "specs/vit_i1k.toml",
        "specs/vit_i21k.toml",
    ),
    H100: (
        "bench/vit.toml:variant=S/16,batch=2048,remat=dots",
        "bench/vit.toml:variant=S/16,batch=256,dtype=float32",
        "bench/vit.toml:variant=B/16,batch=1024,remat=full,pool=map",
        "bench/vit.toml:variant=L/16,batch=512,remat=full,fsdp",
        "bench/siglip.toml:variant=B/16,batch=512,remat=full,fsdp",
        "bench/captioner.toml:batch=1024",
        "bench/captioner.toml:batch=512,fsdp",
        "specs/mlp_mixer_i1k.toml:gpu8",
        "specs/siglip_coco.toml",
        "specs/lit_coco.toml",
        "specs/transfer.toml",
        "specs/vit_s16_i1k.toml",
    ),
    # of what comes near the memory of a GPU its compiler computes some again
    "h100:16": (
        "specs/bit_i1k.toml",
        "specs/bit_i21k.toml",
        "specs/uvim_coco_panoptic.toml:singlehost",
        "specs/uvim_vqvae_coco_panoptic.toml:singlehost",
    ),
    "h100:64": ("specs/mlp_mixer_i1k.toml", "specs/vit_i1k.toml", "specs/vit_i21k.toml"),
}
"""Every spec of `specs/`, on as many devices as give each so few examples that they fit."""


def scanned() -> Iterator[tuple[str, str]]:
    """Target and spec of steps whose layers are a loop."""
    for spec, batches in SCANNED.items():
        for target, sizes in batches.items():
            for batch, remat in itertools.product(sizes, ("none", "full")):
                yield target, f"{spec},batch={batch},remat={remat}"


def steps() -> Iterator[tuple[str, str]]:
    """Every target and spec."""
    yield from scanned()
    for target, specs in OTHERS.items():
        yield from ((target, spec) for spec in specs)


def estimated(target: str, spec: str) -> Plan:
    path, params = parse_target(spec)
    return plan(compile_experiment(bind(load(path, params))), find_target(target))


def tell(target: str, spec: str, estimate: int, mib: float) -> None:
    ratio = estimate / MIB / mib
    print(f"{target:13} {spec:72} {mib / 1024:7.3f} GiB, estimate {ratio:.3f} of it", flush=True)


def measured(target: str, spec: str) -> dict[str, Any]:
    """One row of the record; prints the estimate beside it."""
    planned = estimated(target, spec)
    compiled = with_compiled(planned, *parse_target(spec)).compiled
    assert compiled is not None and not compiled.refused, f"{spec} does not fit {target}"
    tell(target, spec, planned.memory.total, compiled.peak / MIB)
    return {
        "target": target,
        "spec": spec,
        "compiler": compiled.compiler,
        "mib": round(compiled.peak / MIB),
        "scanned": (target, spec) in set(scanned()),
    }


def recorded() -> list[dict[str, Any]]:
    """The rows that are there."""
    return json.loads(RECORD.read_text(encoding="utf-8"))["rows"] if RECORD.exists() else []


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Put rows into the record, in the order of `steps`."""
    found = {(row["target"], row["spec"]): row for row in [*recorded(), *rows]}
    kept = [found[step] for step in steps() if step in found]
    lines = ",\n    ".join(json.dumps(row) for row in kept)
    RECORD.write_text(
        f'{{\n  "jax": "{jax.__version__}",\n  "rows": [\n    {lines}\n  ]\n}}\n', encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[], help="texts that target and spec must contain")
    parser.add_argument("--recorded", action="store_true", help="compile nothing")
    given = parser.parse_args()
    os.chdir(ROOT)
    wanted = [step for step in steps() if all(text in " ".join(step) for text in given.only)]
    if given.recorded:
        figures = {(row["target"], row["spec"]): row["mib"] for row in recorded()}
        for step in filter(figures.__contains__, wanted):
            tell(*step, estimated(*step).memory.total, figures[step])
        return
    for target, spec in wanted:
        write([measured(target, spec)])


if __name__ == "__main__":
    main()
