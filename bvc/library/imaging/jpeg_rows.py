"""The upper part of a JPEG as a JPEG of its own, so that a decoder stops where nothing is wanted any more."""

from __future__ import annotations

import struct

_END, _SCAN = 0xD9, 0xDA
_SEQUENTIAL = (0xC0, 0xC1)
"""Frames whose rows of blocks follow each other; a progressive one has them again and again."""
_NO_FRAME = (0xC4, 0xC8, 0xCC)
_BELOW = 2
"""Rows below the last wanted one that its colours are interpolated with, where they have half the resolution."""


def first_rows(data: bytes, rows: int) -> bytes | None:
    """A JPEG whose first `rows` rows have the pixels of `data`'s, bit for bit; it may have more, which need not.

    Only the height in its header differs: what follows the last row of blocks is left over, and a decoder may warn.

    Args:
        data: an encoded file.
        rows: how many are wanted.

    Returns:
        None where nothing is saved, or where that cannot be: no sequential JPEG of one scan, or its end is missing.
    """
    if data[-2:] != bytes((0xFF, _END)):
        return None
    at = _height_at(data)
    if at is None or rows + _BELOW >= int.from_bytes(data[at : at + 2], "big"):
        return None
    return data[:at] + struct.pack(">H", rows + _BELOW) + data[at + 2 :]


def _height_at(data: bytes) -> int | None:
    """Where the height stands in a sequential JPEG whose first scan holds all components."""
    found: int | None = None
    components = 0
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if kind == _SCAN:
            return found if body and body[0] == components else None
        if kind in _SEQUENTIAL and len(body) > 5:
            found, components = at + 5, body[5]
        elif 0xC0 <= kind <= 0xCF and kind not in _NO_FRAME:
            return None
        at += 2 + length
    return None
