"""How the C library hands out memory."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""glibc's numbers of what can be set (malloc.h)."""
_HEAP_BYTES = 2**26
"""The most that an arena of a thread other than the first one can hold in one piece."""


def keep_freed_memory() -> None:
    """Keep what is freed for the next array instead of giving it back to the system, where the C library can.

    Images, and what a step on CPU computes in between, are megabytes; glibc else maps them anew for every image and
    every step, and each of their pages costs a fault. What is larger than 64 MB is kept only where the first thread
    of the process asks for it.
    """
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)
        # an arena gives up an empty heap unless more than a heap is to be left over
        library.mallopt(_TOP_PAD, 2 * _HEAP_BYTES)
    except (AttributeError, OSError, TypeError):  # another C library
        return
