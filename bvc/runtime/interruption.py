"""SIGTERM and the first SIGINT ask the run to save and end; a second SIGINT ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType

from jax.experimental import multihost_utils

from bvc.runtime.processes.peers import several

EXIT = 75
"""Exit status of a run that was interrupted and can be continued (`EX_TEMPFAIL` of sysexits.h: try again)."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):  # noqa: N818 - reads as what happened
    """Raised by an evaluation that an interruption cut short."""


class Interruption:
    """Inside `with`, the signals are noted in `signal` (a name) instead of ending the process.

    Python runs handlers in the main thread only; in another thread (a notebook's server) nothing is caught.
    Of several processes all stop at the same step: jax itself notes SIGTERM in any of them and lets them agree, and
    SIGINT is passed on to it as SIGTERM.
    """

    def __init__(self) -> None:
        self.signal: str | None = None
        self._several = several()
        self._checks = 0

    def __enter__(self) -> Interruption:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            caught = (signal.SIGINT,) if self._several else _SIGNALS
            self._before = {number: signal.signal(number, self._caught) for number in caught}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._main:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def __bool__(self) -> bool:
        return self.signal is not None

    def check(self) -> None:
        """Raises `Stopped` if a signal came; to be called equally often by all processes."""
        if self._several:
            self._checks += 1
            if not multihost_utils.reached_preemption_sync_point(self._checks):
                return
            self.signal = self.signal or signal.SIGTERM.name
        if self.signal:
            raise Stopped

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number).name
        if self._several:
            os.kill(os.getpid(), signal.SIGTERM)
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
