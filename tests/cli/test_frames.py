"""Calls that cross the end of a piece of frames do not map it anew."""

from __future__ import annotations

import platform
import resource
from collections.abc import Callable

import pytest

from bvc.cli.frames import in_one_piece

DEPTH, AGAIN = 300, 200


@pytest.mark.skipif(platform.system() != "Linux", reason="counts page faults as Linux does")
def test_frames_lie_in_one_piece() -> None:
    """At every depth a function is called many times; somewhere that crosses the end of a piece of 16 kB."""
    assert faults_of(across) > 5 * faults_of(lambda: in_one_piece(across))


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
