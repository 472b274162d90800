"""Numbers as a report shows them."""

from __future__ import annotations


def size(count: int) -> str:
    """Bytes with a binary unit.

    >>> size(743_481_452)
    '709.0 MiB'
    >>> size(12)
    '12 B'
    """
    if count < 2**10:
        return f"{count} B"
    return next(f"{count / 2**power:.1f} {unit}" for power, unit in _BINARY if count >= 2**power)


def amount(count: float) -> str:
    """A number of things with a decimal unit.

    >>> amount(109_482_240)
    '109.5M'
    >>> amount(600)
    '600'
    """
    if count < 1e3:
        return f"{count:.0f}"
    return next(f"{count / power:.1f}{unit}" for power, unit in _DECIMAL if count >= power)


def milliseconds(seconds: float) -> str:
    """A time with three digits.

    >>> milliseconds(0.1294), milliseconds(3.14159)
    ('129 ms', '3142 ms')
    """
    return f"{seconds * 1e3:.0f} ms" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


_BINARY = ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB"))
_DECIMAL = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
