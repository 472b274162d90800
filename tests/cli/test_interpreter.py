"""Python does nothing on its own account while a command runs."""

from __future__ import annotations

import gc
import platform
import resource
from collections.abc import Callable, Iterator

import pytest

from bvc.cli.interpreter import undisturbed

DEPTH, AGAIN = 300, 200


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Other tests in this process keep their collector."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.skipif(platform.system() != "Linux", reason="counts page faults as Linux does")
def test_frames_lie_in_one_piece() -> None:
    """At every depth a function is called many times; somewhere that crosses the end of a piece of 16 kB."""
    assert faults_of(across) > 5 * faults_of(lambda: undisturbed(across))


def test_no_cycles_are_looked_for() -> None:
    """As many objects are made as imports make."""
    looked: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        looked.append(phase)

    gc.callbacks.append(note)
    try:
        kept: list[list[list[int]]] = []
        undisturbed(lambda: kept.append([[] for _ in range(300_000)]))
    finally:
        gc.callbacks.remove(note)
    assert len(kept[0]) == 300_000 and not looked


def faults_of(call: Callable[[], None]) -> int:
    """Pages that are touched for the first time."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    call()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def across() -> None:
    """Calls at all depths."""
    descend(DEPTH)


def descend(depth: int) -> None:
    """Call a function many times here, and further below."""
    for _ in range(AGAIN):
        leaf()
    if depth:
        descend(depth - 1)


def leaf() -> None:
    """Needs a frame."""
