"""What is said when jax ends the process by `abort()`, as it does when other processes do not answer.

That happens on threads of jax's that Python cannot reach, so the signal is caught in C.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bvc.diagnostics import Diagnostic, Sources
from bvc.diagnostics.render import render


@contextmanager
def on_abort(told: Diagnostic, status: int) -> Iterator[None]:
    """Inside, `abort()` prints the diagnostic and ends the process with an exit status instead of a core dump."""
    text = printed(told)

    @ctypes.CFUNCTYPE(None, ctypes.c_int)
    def aborted(_: int) -> None:
        os.write(2, text)
        os._exit(status)

    c: Any = ctypes.CDLL(None)
    c.signal.restype = ctypes.c_void_p
    c.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    before = c.signal(signal.SIGABRT, ctypes.cast(aborted, ctypes.c_void_p))
    try:
        yield
    finally:
        c.signal(signal.SIGABRT, before)


def printed(told: Diagnostic) -> bytes:
    """A diagnostic as it is printed."""
    return f"{render([told], Sources())}\n".encode()
