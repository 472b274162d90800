"""Who prepares which example since when: a small board in a mapped file, which outlives a worker that dies or hangs."""

from __future__ import annotations

import mmap
import os
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from bvc.runtime.allocation import keep_freed_memory

_PID, _POSITION, _SINCE = range(3)
_IDLE = -1

_slot = 0
"""This process's slot; set when a worker starts."""


@dataclass
class Board:
    """One row for each worker process (one where there is none): process id, example, time in nanoseconds.

    A last row says whether the feed is closing.
    """

    path: str
    slots: int
    _rows: np.ndarray | None = field(default=None, repr=False)

    @staticmethod
    def create(slots: int) -> Board:
        """A board on which nobody works."""
        handle, path = tempfile.mkstemp(prefix="bvc-feed-")
        with os.fdopen(handle, "wb") as file:
            file.write(np.full((slots + 1, 3), _IDLE, np.int64).tobytes())
        return Board(path, slots)

    def __getstate__(self) -> tuple[str, int]:
        return self.path, self.slots

    def __setstate__(self, state: tuple[str, int]) -> None:
        self.path, self.slots = state
        self._rows = None

    @property
    def rows(self) -> np.ndarray:
        """The workers' rows, shared between processes."""
        return self._shared()[:-1]

    @property
    def closing(self) -> bool:
        """Whether batches are no longer wanted."""
        return bool(self._shared()[-1, 0] != _IDLE)

    def close(self) -> None:
        """Say that batches are no longer wanted."""
        self._shared()[-1, 0] = 1

    def _shared(self) -> np.ndarray:
        if self._rows is None:
            with open(self.path, "r+b") as file:
                shared = mmap.mmap(file.fileno(), 0)
            self._rows = np.frombuffer(shared, np.int64).reshape(self.slots + 1, 3)
        return self._rows

    def working_on(self, position: int) -> None:
        """Say that this process begins with the example at `position`."""
        self.rows[_slot] = os.getpid(), position, time.monotonic_ns()

    def idle(self) -> None:
        """Say that this process has finished what it did."""
        self.rows[_slot, _POSITION] = _IDLE

    def slowest(self) -> tuple[int, float] | None:
        """The position that has been worked on for the longest time, and for how many seconds."""
        busy = self.rows[self.rows[:, _POSITION] != _IDLE]
        if not len(busy):
            return None
        row = busy[int(np.argmin(busy[:, _SINCE]))]
        return int(row[_POSITION]), (time.monotonic_ns() - int(row[_SINCE])) / 1e9

    def left_by(self, alive: set[int]) -> list[int]:
        """Positions that processes were working on which are no longer alive."""
        return [
            int(row[_POSITION]) for row in self.rows if row[_PID] not in alive and row[_POSITION] != _IDLE
        ]

    def kill(self) -> None:
        """End all workers of the board at once."""
        for pid in self.rows[:, _PID].tolist():
            if pid not in (_IDLE, os.getpid()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def remove(self) -> None:
        """Take the board's file away."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return


POLL_SECONDS = 1.0
_GRACE_SECONDS = 10.0


def start_worker(parent: int, index: int, count: int) -> None:
    """What a worker process does first: take its slot, and end itself when its parent is gone.

    A signal that is meant for the whole group (Ctrl-C, the end of a job) doesn't end a worker at once: the parent
    saves first, and ends its workers itself.

    Args:
        parent: process id of the parent.
        index: number of this worker.
        count: number of workers.
    """
    global _slot
    _slot = index
    keep_freed_memory()
    asked: list[float] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: asked.append(time.monotonic()))

    def watch() -> None:
        while os.getppid() == parent and not (asked and time.monotonic() - asked[0] > _GRACE_SECONDS):
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="bvc-watch-parent", daemon=True).start()
