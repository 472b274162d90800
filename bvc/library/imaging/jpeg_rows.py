"""The upper part of a JPEG as a JPEG of its own, so that a decoder stops where nothing is wanted any more."""

from __future__ import annotations

import struct

_END, _SCAN = 0xD9, 0xDA
_SEQUENTIAL = (0xC0, 0xC1)
"""Frames whose rows of blocks follow each other; a progressive one has them again and again."""


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
    frame = _frame(data)
    if frame is None:
        return None
    at, height, block = frame
    # one row of blocks more: colours at half the resolution are interpolated with what lies below
    kept = (-(-rows // block) + 1) * block
    return data[:at] + struct.pack(">H", kept) + data[at + 2 :] if kept < height else None


def _frame(data: bytes) -> tuple[int, int, int] | None:
    """Where the height stands, the height, and how many rows the blocks of all components make up."""
    found: tuple[int, int, int] | None = None
    components = 0
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if kind == _SCAN:
            return found if body and body[0] == components else None
        if kind in _SEQUENTIAL and len(body) > 6:
            components = body[5]
            most = max((each & 15 for each in body[7::3]), default=0)
            found = (at + 5, int.from_bytes(body[1:3], "big"), 8 * most) if most else None
        elif 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return None
        at += 2 + length
    return None
