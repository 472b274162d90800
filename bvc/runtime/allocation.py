"""How the C library hands out memory."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
"""glibc's numbers of what can be set (malloc.h)."""


def keep_freed_memory() -> None:
    """Keep what is freed for the next array instead of giving it back to the system, where the C library can.

    Images, and what a step on CPU computes in between, are megabytes; glibc else maps them anew for every image and
    every step, and each of their pages costs a fault. One arena, since only the first one can grow beyond 64 MB.
    Threads that have been given another one keep it, so this comes before what starts them.
    """
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)
        library.mallopt(_ARENA_MAX, 1)
    except (AttributeError, OSError, TypeError):  # another C library
        return
