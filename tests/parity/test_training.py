"""Recorded losses, schedules, updates and whole runs agree with ours."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bvc.component.registry import find
from bvc.ir import Node, Optimizer
from tests.compile.toy import ORIGIN, shard
from tests.parity._training import recipe, train
from tests.parity.reference import compare_file, read_reference

REFERENCE = Path(__file__).parent.parent / "reference"
FILES = [
    REFERENCE / f"{name}.npz"
    for name in (
        "losses/xent",
        "losses/contrastive",
        "losses/distill",
        "optim/schedules",
        "optim/gsam",
    )
]
RUNS = sorted((REFERENCE / "trajectories").glob("*.npz"))
ALIKE = [file for file in RUNS if file.stem.startswith("two_towers")]
"""Frozen modules and codebooks are tried on every mesh by `test_frozen` and `test_mutable`, in less time."""


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=() if file.stem == "contrastive" else pytest.mark.slow) for file in FILES],
    ids=lambda file: file.stem,
)
def test_agrees_with_big_vision(file: Path) -> None:
    comparisons = compare_file(file)
    assert comparisons
    failed = [str(comparison) for comparison in comparisons if not comparison.ok]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
def test_updates_agree_in_optimized_programs() -> None:
    """Half-precision states are compared more sharply than machine code that is not optimized rounds."""
    command = [sys.executable, "-m", "tests.parity", str(REFERENCE / "optim" / "updates.npz")]
    environment = {**os.environ, "XLA_FLAGS": ""}
    done = subprocess.run(
        command, cwd=REFERENCE.parent.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, "\n".join(
        line for line in done.stdout.splitlines() if line.startswith("FAIL")
    )
    assert done.stdout.startswith("ok")


@pytest.mark.slow
@pytest.mark.parametrize("file", RUNS, ids=lambda file: file.stem)
def test_trains_as_big_vision(file: Path) -> None:
    failed = [str(comparison) for comparison in compare_file(file) if not comparison.ok]
    assert not failed, "\n".join(failed)


def _sgd(optimizer: Optimizer) -> Optimizer:
    """Adam turns gradients that are analytically zero into steps of full size; without it meshes agree closely."""
    component = find("optimizer", "sgd")
    assert component is not None
    return replace(optimizer, transform=Node(component, {}, ORIGIN), lr=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("file", ALIKE, ids=lambda file: file.stem)
def test_trains_alike_on_every_mesh(file: Path) -> None:
    found = recipe(read_reference(file))
    alone = train(found, steps=20, change=_sgd)
    for axes in ({"data": 4}, {"data": 2, "fsdp": 2}):
        layout = (shard(".*", "fsdp"),) if "fsdp" in axes else ()
        ours = train(found, axes, layout, steps=20, change=_sgd)
        np.testing.assert_allclose(ours.series["training_loss"], alone.series["training_loss"], rtol=1e-5)
        for name, leaf in ours.final.items():
            np.testing.assert_allclose(leaf, alone.final[name], rtol=1e-4, atol=1e-6, err_msg=name)
