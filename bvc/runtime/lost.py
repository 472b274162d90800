"""When another process of the run ends, this one ends too, says so, and has an exit status of its own.

jax notices in one of two ways: a collective fails, or heartbeats fail to come. The first is an exception, the second
ends in `abort()` on a thread of jax's that Python cannot reach, so the signal of that is caught in C.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from bvc.diagnostics import Sources
from bvc.diagnostics.catalog import processes as catalog
from bvc.diagnostics.render import render
from bvc.runtime.peers import HEARTBEAT_SECONDS, end, index

EXIT = 76
"""Exit status of a process that ended because another one did (`EX_PROTOCOL` of sysexits.h: the other side failed)."""

_LOSS = re.compile(r"Gloo|NCCL|coordination.?service|[Bb]arrier|unhealthy|heartbeat")


def is_loss(error: BaseException) -> bool:
    """Whether an error says that another process does not answer."""
    return isinstance(error, jax.errors.JaxRuntimeError | ValueError) and bool(_LOSS.search(str(error)))


@contextmanager
def watched() -> Iterator[None]:
    """Inside, the end of another process ends this one with `EXIT`."""
    told = _text("jax no longer hears from it").encode()

    @ctypes.CFUNCTYPE(None, ctypes.c_int)
    def aborted(_: int) -> None:
        os.write(2, told)
        os._exit(EXIT)

    c: Any = ctypes.CDLL(None)
    c.signal.restype = ctypes.c_void_p
    c.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    before = c.signal(signal.SIGABRT, ctypes.cast(aborted, ctypes.c_void_p))
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if is_loss(error):
            os.write(2, _text(str(error).split("\n", 1)[0]).encode())
            end(EXIT)
        if isinstance(error, jax.errors.JaxRuntimeError):
            time.sleep(2 * HEARTBEAT_SECONDS)  # if it is the consequence of a death, that is told by then
        raise
    finally:
        c.signal(signal.SIGABRT, before)


def _text(reason: str) -> str:
    return f"{render([catalog.process_lost(index(), reason)], Sources())}\n"
