"""What TensorFlow's string ops do to letters."""

from __future__ import annotations

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def lowered(text: str) -> str:
    """ASCII letters in lower case; all others stay.

    >>> lowered("Große Ähre")
    'große Ähre'
    """
    return text.translate(_LOWER)
