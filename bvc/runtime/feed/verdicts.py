"""What a filter said of each example of a split: one byte each, in a file that grows and can be continued.

A complete file ends with a hash of its verdicts; one that was damaged is begun anew, and an incomplete one is cut
back to what is sound. A file that another process writes is waited for.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Int64, UInt8

DROPPED, PASSED = 1, 2
"""No zeros: those are what a file system leaves of a write that was lost."""


class Verdicts:
    """The verdicts so far; a context manager. Without a file they are kept for this run only."""

    def __init__(self, file: IO[bytes] | None, found: UInt8[np.ndarray, "n"], count: int) -> None:
        self._file = file
        self._found = found
        self._count = count

    @staticmethod
    def open(key: str | None, count: int) -> Verdicts:
        """The verdicts that are stored under a key.

        Args:
            key: a hash of what they depend on; None: nothing is stored.
            count: examples.
        """
        none = np.zeros(0, np.uint8)
        if key is None:
            return Verdicts(None, none, count)
        try:
            folder().mkdir(parents=True, exist_ok=True)
            file = open(folder() / f"{key}.verdicts", "a+b")  # noqa: SIM115 - closed by __exit__
        except OSError:  # a home that cannot be written: the run goes on and looks again next time
            return Verdicts(None, none, count)
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.seek(0)
        stored = file.read()
        found, seal = np.frombuffer(stored[:count], np.uint8), stored[count:]
        if len(found) == count:
            sound = count if seal == _seal(found) else 0
        else:
            wrong = np.flatnonzero((found != DROPPED) & (found != PASSED))
            sound = int(wrong[0]) if len(wrong) else len(found)
        if sound < len(found):
            file.truncate(sound)
        return Verdicts(file, found[:sound], count)

    def __enter__(self) -> Verdicts:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return len(self._found)

    def extend(self, verdicts: Sequence[bool]) -> None:
        """Verdicts of the next examples."""
        more = np.where(verdicts, PASSED, DROPPED).astype(np.uint8)
        self._found = np.concatenate([self._found, more])
        if self._file is not None:
            self._file.write(more.tobytes())
            if len(self._found) == self._count:
                self._file.write(_seal(self._found))
            self._file.flush()

    def passed(self) -> Int64[np.ndarray, "n"]:
        """Numbers of the examples that remain, ascending."""
        return np.flatnonzero(self._found == PASSED).astype(np.int64)


def _seal(found: UInt8[np.ndarray, "n"]) -> bytes:
    return hashlib.sha256(found.tobytes()).digest()


def folder() -> Path:
    """Where verdicts are kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "bvc" / "filters"
