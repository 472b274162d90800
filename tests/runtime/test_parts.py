"""The parts of a step in a run: frozen modules come from their files, and what they keep survives a stop."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest
from rich.console import Console

from bvc.check import check
from bvc.compile.mesh.mesh import resolve_mesh
from bvc.library.checkpoints.export import named
from bvc.runtime import loop
from bvc.runtime.assemble import assemble, machine
from bvc.runtime.checkpoints.frozen import load_frozen
from bvc.runtime.metrics.progress import Progress
from bvc.runtime.workdir import Workdir
from tests.compile.parts import DATA, VIT
from tests.modules import compiled_in_a_hurry, filled
from tests.runtime.command import saved

TEACHER = f"""
[frozen.prof]
{VIT}"""
SPEC = f"""
{DATA}
[draws.patches]
values = [2]
static = true

[model]
type = "flexivit"
patch = 4
width = 16
depth = 1
heads = 2
out_dim = 8
feeds = {{ seqhw = "draws.patches" }}
{TEACHER}
[objective]
type = "distill"
feeds = {{ teacher = "frozen.prof.logits" }}

[ema]
decay = 0.9

[optimizer]
type = "sgd"
lr = 0.01

[run]
length = "4 steps"
log = "1 steps"
save = "2 steps"
workers = 0
"""


def arrays(workdir: Path) -> dict[str, bytes]:
    return saved(workdir, workdir.parent / "spec.toml")[1]


def rows(workdir: Path) -> list[str]:
    return (workdir / "big_vision_metrics.txt").read_text().splitlines()


@pytest.fixture
def train(tmp_path: Path) -> Callable[[str], Path]:
    """Train in a work directory of this name."""
    file = tmp_path / "spec.toml"
    file.write_text(SPEC)
    found = check(str(file))
    assert found.program is not None, found.diagnostics
    training = assemble(found.program, str(tmp_path), machine(found.program))

    def train(name: str) -> Path:
        with (
            compiled_in_a_hurry(),
            closing(Workdir(str(tmp_path / name), SPEC)) as opened,
            Progress(Console(file=io.StringIO()), total=4, batch=16) as progress,
        ):
            loop.train(training, opened, progress)
        return tmp_path / name

    return train


@pytest.mark.slow
def test_a_run_that_continues_ends_as_if_it_had_not_stopped(train: Callable[[str], Path]) -> None:
    whole = train("whole")
    stopped = whole.parent / "stopped"
    shutil.copytree(whole, stopped)
    shutil.rmtree(stopped / "checkpoints" / "000000004")
    train("stopped")
    assert rows(stopped) == rows(whole)
    assert '"draws/patches": 2' in rows(whole)[-1]
    assert arrays(stopped) == arrays(whole)
    assert any(name.startswith("ema/") for name in arrays(whole))
    assert not any("prof" in name for name in arrays(whole))


@pytest.mark.slow
def test_frozen_modules_come_from_their_files(tmp_path: Path) -> None:
    file, spec = tmp_path / "teacher.npz", tmp_path / "spec.toml"
    spec.write_text(SPEC.replace(TEACHER, f'{TEACHER}init = "{file}"\n'))
    program = check(str(spec)).program
    assert program is not None
    (teacher,) = program.frozen
    values = filled(teacher.module)
    np.savez(file, **{teacher.module.naming().published(name): leaf for name, leaf in named(values).items()})
    training = program.training(resolve_mesh(program.experiment.mesh, 8))
    found = load_frozen(training, training.grid.place(), program.steps, lambda text: None)["prof"]
    for ours, theirs in zip(
        jax.tree.leaves(found), jax.tree.leaves(eqx.filter(values, eqx.is_array)), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
