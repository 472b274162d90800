"""What a command asks of Python."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FunctionType

_POINTERS = 2**16


def undisturbed(call: Callable[[], None]) -> None:
    """Call without what Python does meanwhile on its own account.

    Imports and traced programs make some 300 000 objects that stay. To look for cycles among them, while they are made
    and once more as Python ends, takes a seventh of a plan.

    And Python keeps the frames of calls in pieces of 16 kB, and maps one anew each time calls cross its end: 19 000
    times in a plan, which took a tenth of it. A first frame that says it needs 512 kB makes it map one large piece,
    where the frames of all calls below have room too.
    """
    gc.set_threshold(1_000_000, 50, 1000)
    try:
        FunctionType(_call.__code__.replace(co_stacksize=_POINTERS), globals())(call)
    finally:
        gc.freeze()


def _call(call: Callable[[], None]) -> None:
    call()
