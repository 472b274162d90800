"""How the C library hands out memory."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_BYTES = 1 << 28


def keep_freed_memory() -> None:
    """Keep what is freed for the next array instead of giving it back to the system, where the C library can.

    An image is a few megabytes, which glibc else maps anew for every array: the page faults doubled the time of a
    resize (bench/data.py).
    """
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _BYTES)
        library.mallopt(_TRIM_THRESHOLD, _BYTES)
    except (AttributeError, OSError, TypeError):  # another C library
        return
