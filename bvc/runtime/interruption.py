"""SIGTERM and the first SIGINT ask the run to save and end; a second SIGINT ends it at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

EXIT = 75
"""Exit status of a run that was interrupted and can be continued (`EX_TEMPFAIL` of sysexits.h: try again)."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):  # noqa: N818 - reads as what happened
    """Raised by an evaluation that an interruption cut short."""


class Interruption:
    """Inside `with`, the signals are noted in `signal` (a name) instead of ending the process.

    Python runs handlers in the main thread only; in another thread (a notebook's server) nothing is caught.
    With several processes all must stop at the same step: this is the place to agree on it.
    """

    def __init__(self) -> None:
        self.signal: str | None = None

    def __enter__(self) -> Interruption:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = {number: signal.signal(number, self._caught) for number in _SIGNALS}
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
        """Raises `Stopped` if a signal came."""
        if self.signal:
            raise Stopped

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number).name
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
