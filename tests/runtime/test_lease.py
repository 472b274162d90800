"""In a store a run shows that it lives; one that does not loses its place, and finds that out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bvc.diagnostics import Failed
from bvc.runtime import workdir
from bvc.runtime.folder import Folder
from bvc.runtime.lease import NAME, Lease
from bvc.runtime.lock import Taken
from bvc.runtime.workdir import Workdir
from tests.runtime import objects  # noqa: F401 - registers the store

BEAT = 0.05


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(f"objects://{tmp_path}")


def taken(folder: Folder, beat: float = BEAT) -> tuple[Lease, list[str]]:
    told: list[str] = []
    return Lease(folder, told.append, beat), told


def test_a_run_that_lives_keeps_its_place(folder: Folder) -> None:
    first, told = taken(folder, BEAT / 5)
    with pytest.raises(Taken, match="process"):
        taken(folder, BEAT * 8)
    assert told == []
    first.check()
    first.release()
    second, told = taken(folder)
    assert told == [], "what was released is free at once"
    second.release()
    assert folder.names() == []


def test_a_run_that_was_killed_loses_it(folder: Folder) -> None:
    first, _ = taken(folder, beat=3600)
    began = time.monotonic()
    second, told = taken(folder)
    assert time.monotonic() - began >= 3 * BEAT
    assert len(told) == 1 and "sign of life of process" in told[0]
    with pytest.raises(Taken):
        first.check()
    first.release()
    second.check()
    second.release()


def test_a_run_that_lost_its_place_says_so(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Workdir(folder.url, "a = 1\n")
    held.check_held()
    folder.write(NAME, b"process 7 on elsewhere\n")
    with pytest.raises(Failed, match="B0510"):
        held.check_held()
    held.close()
    assert folder.read(NAME) == b"process 7 on elsewhere\n", "it is the other's"
    monkeypatch.setattr(workdir, "Lease", lambda folder, tell: Lease(folder, tell, BEAT))
    Workdir(folder.url, "a = 1\n").close()
