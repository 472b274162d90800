"""One run at a time in a work directory that lies in a store, where there are no locks.

The run that is there rewrites an object every few seconds. Another one that finds the object waits: if it changes, the
first run lives, and the other is refused; if it does not, the first was killed, and the other takes its place. A run
that was silent for so long that another took its place finds that out before it writes the next checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable

from bvc.runtime.folder import Folder
from bvc.runtime.lock import Taken

NAME = "lease"
BEAT_SECONDS = 10.0
_SILENT_BEATS = 3
"""A run that rewrote its object not once in so many beats is gone."""


class Lease:
    """Held until `release`, or until this process has been silent for some beats."""

    def __init__(self, folder: Folder, tell: Callable[[str], None], beat: float = BEAT_SECONDS) -> None:
        """Take the lease; where a run has left one behind, that takes three beats.

        Args:
            folder: the work directory.
            tell: is given a sentence for the user while there is something to wait for.
            beat: seconds between two signs of life.

        Raises:
            Taken: another run is there.
            OSError: the store cannot be read or written.
        """
        self._folder, self._beat = folder, beat
        self._token = uuid.uuid4().hex
        self._beats = 0
        before = folder.read(NAME)
        if before is not None:
            tell(f"waiting up to {_SILENT_BEATS * beat:.0f} seconds for a sign of life of {_holder(before)}")
            until = time.monotonic() + _SILENT_BEATS * beat
            while before is not None and time.monotonic() < until:
                time.sleep(beat / 2)
                now = folder.read(NAME)
                if now is not None and now != before:
                    raise Taken(_holder(now))
                before = now
        self._write()
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._live, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises `Taken` if another run has taken this one's place, `OSError` if that cannot be seen."""
        now = self._folder.read(NAME)
        if now is not None and self._token.encode() not in now:
            raise Taken(_holder(now))

    def release(self) -> None:
        """Let another run in at once."""
        self._released.set()
        self._thread.join()
        with contextlib.suppress(OSError, Taken):  # then the next run waits
            self.check()
            self._folder.remove(NAME)

    def _live(self) -> None:
        while not self._released.wait(self._beat):
            try:
                self.check()
                self._write()
            except Taken:
                return
            except OSError:
                continue  # the next beat may reach the store

    def _write(self) -> None:
        self._beats += 1
        text = f"process {os.getpid()} on {socket.gethostname()}\n{self._token} {self._beats}\n"
        self._folder.write(NAME, text.encode())


def _holder(content: bytes) -> str:
    return content.decode(errors="replace").split("\n", 1)[0] or "another process"
