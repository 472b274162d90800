"""Two processes train, evaluate and save as one does; what one of them meets, both end by."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.runtime.interruption import EXIT
from bvc.runtime.metrics.rows import METRICS
from bvc.runtime.processes.lost import EXIT as LOST
from tests.runtime.command import SPEC, finish, saved, start, start_together

STEPS = 12
SHORT = (
    "--set", f'run.length="{STEPS} steps"',
    "--set", 'run.save="4 steps"',
    "--set", 'run.keep="4 steps"',
    "--set", 'evals.retrieval.every="6 steps"',
)  # fmt: skip
SHARDED = ("--set", 'mesh.axes={ fsdp = "rest" }', "--set", 'layout=[{ match = ".*", shard = "fsdp" }]')
ENDLESS = (
    "--set", 'run.length="100000 steps"',
    "--set", 'evals.retrieval.every="100000 steps"',
    "--set", "evals.retrieval.skip_first=true",
    "--set", 'optimizer.type="sgd"',
)  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where compiled programs are kept; compiled in haste, since each is run for seconds only."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
        yield tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, cache: Path, data_dir: Path) -> Path:
    """The work directory of a run in one process, on one device."""
    workdir = tmp_path_factory.mktemp("alone")
    finish(start(data_dir, "run", str(SPEC), "--workdir", str(workdir), *SHORT, cache=cache))
    return workdir


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
    shutil.copytree(alone, tmp_path, dirs_exist_ok=True)
    arguments = ("run", str(SPEC), "--workdir", str(tmp_path), *SHORT)
    stopped_after(4, tmp_path)
    first, second = start_together(2, data_dir, *arguments, *SHARDED, cache=cache, devices=2)
    told = finish(first)
    assert "continuing after step 4" in told and told.count("step 12/12") == 1
    assert "step" not in finish(second), "one of them speaks"
    assert_same_run(tmp_path, alone)
    stopped_after(8, tmp_path)
    assert "continuing after step 8" in finish(start(data_dir, *arguments, cache=cache))
    assert_same_run(tmp_path, alone)


def test_what_ends_one_ends_both(data_dir: Path, cache: Path, tmp_path: Path) -> None:
    arguments = ("run", str(SPEC), "--workdir", str(tmp_path), *ENDLESS)
    first, second = start_together(2, data_dir, *arguments, cache=cache)
    wait_for("step 10/", first)
    second.send_signal(signal.SIGTERM)
    told = printed(first)
    assert (first.returncode, second.wait(timeout=60)) == (EXIT, EXIT), told
    found = re.search(r"stopped by SIGTERM after step (\d+); the state is saved", told)
    assert found and (tmp_path / "checkpoints" / f"{int(found[1]):09d}" / "manifest").exists()
    assert "stopped" not in printed(second)

    first, second = start_together(2, data_dir, *arguments, cache=cache)
    wait_for(f"continuing after step {found[1]}", first)
    first.kill()
    printed(first)
    told = printed(second)
    assert second.returncode == LOST, told
    assert "error[B0563]: another process of this run has ended; process 1 ends too" in told


def wait_for(text: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert any(text in line for line in process.stdout), "it ended before"


def printed(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=60)[0]
