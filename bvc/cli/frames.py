"""Where Python keeps the frames of calls."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

_POINTERS = 2**16


def in_one_piece(call: Callable[[], None]) -> None:
    """Call with room for the frames of all calls below.

    Python keeps frames in pieces of 16 kB, and maps one anew each time calls cross its end: 19 000 times in a plan,
    which took a tenth of it. A first frame that says it needs 512 kB makes it map one large piece, where the frames
    that follow have room too.
    """
    FunctionType(_call.__code__.replace(co_stacksize=_POINTERS), globals())(call)


def _call(call: Callable[[], None]) -> None:
    call()
