"""Two processes train, evaluate and save as one does; what one of them meets, both end by."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.check import check
from bvc.compile.construct import abstract
from bvc.library.checkpoints.export import export
from bvc.runtime.interruption import EXIT
from bvc.runtime.metrics.rows import METRICS
from bvc.runtime.processes.lost import EXIT as LOST
from tests.modules import filled
from tests.runtime import forks
from tests.runtime.command import SPEC, saved
from tests.runtime.forks import Fork, fork, fork_together

STEPS = 12
SHORT = (
    "--set", f'run.length="{STEPS} steps"',
    "--set", 'run.save="4 steps"',
    "--set", 'run.keep="4 steps"',
    "--set", 'evals.retrieval.every="6 steps"',
)  # fmt: skip
SHARDED = (
    "--set",
    'mesh.axes={ fsdp = "rest" }',
    "--set",
    'layout=[{ match = ".*", shard = "fsdp", min_size = "1 KiB" }]',
)
ENDLESS = (
    "--set",
    'run.length="100000 steps"',
    "--set",
    'evals.val.every="100000 steps"',
    "--set",
    'run.save="50000 steps"',
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled programs are kept."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, cache: Path, data_dir: Path) -> Path:
    """The work directory of a run in one process, on one device."""
    folder = tmp_path_factory.mktemp("alone")
    arguments = ("run", str(SPEC), "--workdir", str(folder / "run"), *SHORT)
    finish(fork(data_dir, *arguments, cache=cache, output=folder / "output", in_haste=True))
    return folder / "run"


def finish(run: Fork) -> str:
    """What it printed; it must have ended well."""
    assert run.ended() == 0, run.printed
    return run.printed


def rows(workdir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (workdir / METRICS).read_text().splitlines()]


def assert_same_run(workdir: Path, expected: Path) -> None:
    """Same rows and same arrays, to what the order of additions changes."""
    found, wanted = rows(workdir), rows(expected)
    assert [list(row) for row in found] == [list(row) for row in wanted]
    for row, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(list(row.values()), list(right.values()), rtol=2e-3, atol=1e-6)
    (step, arrays), (last, right) = saved(workdir), saved(expected)
    assert step == last
    for name, data in right.items():
        if (
            name.startswith("params/") and "key/bias" not in name
        ):  # whose gradient is noise, which Adam scales up
            found, wanted = (np.frombuffer(each, np.float32) for each in (arrays[name], data))
            np.testing.assert_allclose(found, wanted, atol=1e-4, err_msg=name)


def stopped_after(step: int, workdir: Path) -> None:
    """Make a finished run one that was stopped after a step."""
    for folder in sorted((workdir / "checkpoints").iterdir()):
        if int(folder.name) > step:
            shutil.rmtree(folder)


def test_one_process_two_and_one_again(data_dir: Path, cache: Path, alone: Path, tmp_path: Path) -> None:
    """From a checkpoint on a disk two processes continue in a store, and from what they save there one does."""
    workdir, output = tmp_path / "run", tmp_path / "output"
    shutil.copytree(alone, workdir)
    arguments = ("run", str(SPEC), *SHORT, "--workdir")
    stopped_after(4, workdir)
    first, second = fork_together(
        2, data_dir, *arguments, f"objects://{workdir}", *SHARDED,
        cache=cache, output=output, devices=2, in_haste=True,
    )  # fmt: skip
    told = finish(first)
    assert "continuing after step 4" in told and told.count("step 12/12") == 1
    assert "step" not in finish(second), "one of them speaks"
    assert "sign of life" not in told and not (workdir / "lease").exists()
    parts = sorted((workdir / "checkpoints" / "000000008").glob("part-*"))
    assert [file.name[:10] for file in parts] == ["part-00000", "part-00001"]
    assert_same_run(workdir, alone)
    stopped_after(8, workdir)
    told = finish(fork(data_dir, *arguments, str(workdir), cache=cache, output=output, in_haste=True))
    assert "continuing after step 8" in told
    assert_same_run(workdir, alone)


def test_what_ends_one_ends_both(data_dir: Path, cache: Path, tmp_path: Path) -> None:
    """They begin with what a file has of some layers of a stack that lies on both."""
    workdir, output = tmp_path / "run", tmp_path / "output"
    checked = check(str(forks.SPEC), settings=[("model.depth", "2")], step=False)
    assert checked.experiment is not None
    export(filled(abstract(checked.experiment.model, lambda duration: 1)), tmp_path / "other.npz")
    init = (
        "--set", "model.depth=2",
        "--set", f'model.init="{tmp_path}/other.npz"',
        "--set", 'model.init_skip=["blocks/01/.*"]',
    )  # fmt: skip
    arguments = ("run", str(forks.SPEC), "--workdir", str(workdir), *ENDLESS, *SHARDED, *init)
    first, second = fork_together(2, data_dir, *arguments, cache=cache, output=output, in_haste=True)
    first.wait_for("step 10/")
    second.process.terminate()
    assert (first.ended(), second.ended()) == (EXIT, EXIT), first.printed
    found = re.search(r"stopped by SIGTERM after step (\d+); the state is saved", first.printed)
    assert found and (workdir / "checkpoints" / f"{int(found[1]):09d}" / "manifest").exists()
    assert "stopped" not in second.printed

    first, second = fork_together(2, data_dir, *arguments, cache=cache, output=output, in_haste=True)
    first.wait_for(f"continuing after step {found[1]}")
    first.process.kill()
    second.process.join(timeout=60)
    assert second.process.exitcode == LOST, second.printed
    assert "error[B0563]: another process of this run has ended; process 1 ends too" in second.printed
