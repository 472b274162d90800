"""A run that is killed at any time and started again ends as the uninterrupted one, byte for byte."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runtime.command import saved
from tests.runtime.forks import SPEC, Fork, fork

METRICS = "big_vision_metrics.txt"
KILLS = 20
LAST = 30
"""Steps of the run."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """Holds compiled programs and the work directory of the run that nobody interrupts."""
    root = tmp_path_factory.mktemp("kill")
    arguments = ("run", str(SPEC), "--workdir", str(root / "whole"))
    run = fork(data_dir, *arguments, cache=root / "cache", output=root / "output", in_haste=True)
    assert run.ended() == 0, run.printed
    return root


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_killed_run_ends_as_the_uninterrupted_one(
    place: Path, data_dir: Path, tmp_path: Path, workers: int
) -> None:
    workdir, output = tmp_path / "run", tmp_path / "output"
    arguments = ("run", str(SPEC), "--workdir", str(workdir), "--set", f"run.workers={workers}")
    draw = random.Random(workers)
    killed = in_a_save = 0
    while killed < KILLS:
        if _newest(workdir) > LAST // 2:
            _take_back(workdir)
        run = fork(data_dir, *arguments, cache=place / "cache", output=output, in_haste=True)
        _wait(run, draw.choice(MOMENTS), workdir, draw)
        children = _descendants(run.process.pid or 0)
        if not run.process.is_alive():  # on a fast machine it may be done before its time has come
            assert run.ended() == 0, run.printed
            continue
        run.process.kill()
        run.process.join()
        killed += 1
        in_a_save += any("partial" in name for name in _checkpoints(workdir))
        assert _gone(children, seconds=10), "a worker outlived its parent"
    assert in_a_save
    run = fork(data_dir, *arguments, cache=place / "cache", output=output, in_haste=True)
    assert run.ended() == 0, run.printed
    assert (workdir / METRICS).read_bytes() == (place / "whole" / METRICS).read_bytes()
    assert saved(workdir, SPEC) == saved(place / "whole", SPEC)
    steps = [
        name for name in os.listdir(place / "cache" / "bvc" / "compiled") if name.startswith("jit_step-")
    ]
    assert sum(name.endswith("-cache") for name in steps) == 1, "it is compiled once, in the first run of all"


Moment = Callable[[Path, int], bool]
"""Whether it has come, in a work directory whose newest checkpoint was of some step at the start; and how long after
it the kill may be, in seconds."""


def _begins(workdir: Path, newest: int) -> bool:
    return True


def _has_trained(workdir: Path, newest: int) -> bool:
    return _newest(workdir) > newest


def _saves(workdir: Path, newest: int) -> bool:
    return any("partial" in name for name in _checkpoints(workdir))


MOMENTS: tuple[tuple[Moment, float], ...] = (
    (_begins, 4.0),
    (_has_trained, 0.3),
    (_has_trained, 0.3),
    (_saves, 0.02),
)


def _wait(run: Fork, moment: tuple[Moment, float], workdir: Path, draw: random.Random) -> None:
    """Until a random time after a moment."""
    has_come, most = moment
    newest = _newest(workdir)
    while run.process.is_alive() and not has_come(workdir, newest):
        time.sleep(0.005)
    time.sleep(draw.uniform(0, most))


def _checkpoints(workdir: Path) -> list[str]:
    folder = workdir / "checkpoints"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def _newest(workdir: Path) -> int:
    """The step of the newest complete checkpoint, 0 if there is none."""
    return max((int(name) for name in _checkpoints(workdir) if name.isdigit()), default=0)


def _take_back(workdir: Path) -> None:
    """Let the next run begin a few steps after the start: newer checkpoints go."""
    for name in [name for name in _checkpoints(workdir) if name.isdigit()][1:]:
        (workdir / "checkpoints" / name).rename(workdir / f"gone-{time.monotonic_ns()}")


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
