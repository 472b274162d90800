"""A run that is killed at any time and started again ends as the uninterrupted one, byte for byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.command import SPEC, finish, saved, start

METRICS = "big_vision_metrics.txt"
KILLS = {0: 20, 1: 4, 2: 4}
"""Worker processes -> how many times the run is killed."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """Holds compiled programs and the work directory of the run that nobody interrupts."""
    root = tmp_path_factory.mktemp("kill")
    finish(start(data_dir, "run", str(SPEC), "--workdir", str(root / "whole"), cache=root / "cache"))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_killed_run_ends_as_the_uninterrupted_one(
    place: Path, data_dir: Path, tmp_path: Path, workers: int
) -> None:
    arguments = ("run", str(SPEC), "--workdir", str(tmp_path), "--set", f"run.workers={workers}")
    draw = random.Random(workers)
    killed = 0
    while killed < KILLS[workers]:
        process = start(data_dir, *arguments, cache=place / "cache")
        if _ends_within(process, _first_checkpoint(tmp_path, killed) + draw.uniform(0, 3)):
            # it was through before it was killed: the next one begins anew a few steps before the end
            _take_back(tmp_path)
            continue
        children = _descendants(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        killed += 1
        assert _gone(children, seconds=10), "a worker outlived its parent"
    finish(start(data_dir, *arguments, cache=place / "cache"))
    assert (tmp_path / METRICS).read_bytes() == (place / "whole" / METRICS).read_bytes()
    assert saved(tmp_path) == saved(place / "whole")


def _first_checkpoint(workdir: Path, killed: int) -> float:
    """Seconds to wait before a kill can hit training; some kills come earlier, while the program starts."""
    return 0.5 if killed % 5 == 0 else 3.0


def _ends_within(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    assert process.returncode == 0
    return True


def _take_back(workdir: Path) -> None:
    """Make a finished run an unfinished one: its newest checkpoints go."""
    folders = sorted((workdir / "checkpoints").iterdir())
    for folder in folders[1:]:
        folder.rename(workdir / f"gone-{time.monotonic_ns()}")


def _descendants(pid: int) -> set[int]:
    parents = dict(_parents())
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                yield int(folder.name), int(fields[1])


def _gone(pids: set[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not pids & dict(_parents()).keys():
            return True
        time.sleep(0.1)
    return False
