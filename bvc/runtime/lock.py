"""One run at a time in a work directory."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

NAME = "lock"


class Taken(Exception):  # noqa: N818 - reads as what happened
    """Another process holds the lock; its text says which."""


class Lock:
    """Held until `release` or the end of the process, however it ends: a killed run leaves no stale lock.

    A record lock (`fcntl.lockf`): it works over NFS, and worker processes do not inherit it, so they cannot
    hold it longer than their parent lives.
    """

    def __init__(self, folder: Path) -> None:
        """Raises `Taken`, or `OSError` if the file cannot be made."""
        self._file: IO[str] = open(folder / NAME, "a+")  # noqa: SIM115 - open as long as it is held
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            self._file.seek(0)
            holder = self._file.read(200).strip() or "another process"
            self._file.close()
            raise Taken(holder) from error
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let another run in."""
        self._file.close()
