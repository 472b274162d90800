"""When another process of the run ends, this one ends too, says so, and has an exit status of its own.

jax notices in one of two ways: a collective fails, which is an exception; or heartbeats fail to come, then it aborts.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import jax

from bvc.diagnostics.catalog import processes as catalog
from bvc.runtime.processes.abort import on_abort, printed
from bvc.runtime.processes.peers import HEARTBEAT_SECONDS, end, index

EXIT = 76
"""Exit status of a process that ended because another one did (`EX_PROTOCOL` of sysexits.h: the other side failed)."""

_LOSS = re.compile(r"Gloo|NCCL|coordination.?service|[Bb]arrier|unhealthy|heartbeat")


def is_loss(error: BaseException) -> bool:
    """Whether an error says that another process does not answer."""
    return isinstance(error, jax.errors.JaxRuntimeError | ValueError) and bool(_LOSS.search(str(error)))


@contextmanager
def watched() -> Iterator[None]:
    """Inside, the end of another process ends this one with `EXIT`."""
    told = catalog.process_lost(
        index(), "jax ended this process, as it does when it no longer hears from another"
    )
    with on_abort(told, EXIT):
        try:
            yield
        except (jax.errors.JaxRuntimeError, ValueError) as error:
            if is_loss(error):
                reason = str(error).split("\n", 1)[0]
                os.write(2, printed(catalog.process_lost(index(), reason)))
                end(EXIT)
            if isinstance(error, jax.errors.JaxRuntimeError):
                time.sleep(2 * HEARTBEAT_SECONDS)  # if it is the consequence of a death, that is told by then
            raise
