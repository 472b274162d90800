"""A sorted table of LevelDB (`doc/table_format.md` there): the index of a TensorFlow checkpoint is one.

Entries lie in blocks, each key without what it shares with the one before. One block says where the others are, and
the footer where that one is. Each block has a checksum.
"""

from __future__ import annotations

from collections.abc import Iterator

from bvc.library.records.crc32c import masked_crc32c

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_COMPRESSIONS = {1: "Snappy"}
_LONGEST = 4096
"""Bytes of a key: keys that share their beginnings could otherwise fill the memory from a small file."""


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Keys and values of a table, in order.

    Raises:
        ValueError: it is no table, is damaged, or compressed.
    """
    if len(data) < _FOOTER or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise ValueError("it does not end as a table of LevelDB does")
    _, at = _handle(data, len(data) - _FOOTER)
    where, _ = _handle(data, at)
    found: dict[bytes, bytes] = {}
    last = None
    for _, handle in _entries(_block(data, *where)):
        for key, value in _entries(_block(data, *_handle(handle, 0)[0])):
            if last is not None and key <= last:
                raise ValueError(f"its keys are out of order at {key!r}")
            found[key] = value
            last = key
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends.

    Raises:
        ValueError: it does not end within ten bytes.
    """
    number = 0
    for place, byte in enumerate(data[at : at + 10]):
        number |= (byte & 127) << 7 * place
        if byte < 128:
            return number, at + place + 1
    raise ValueError("a number in it does not end")


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Where a block begins and how long it is, and where this is all said."""
    start, at = varint(data, at)
    size, at = varint(data, at)
    return (start, size), at


def _block(data: bytes, start: int, size: int) -> bytes:
    end = start + size
    if end + _TRAILER > len(data):
        raise ValueError("a block of it is cut off")
    kind, checksum = data[end], int.from_bytes(data[end + 1 : end + _TRAILER], "little")
    if checksum != masked_crc32c(data[start : end + 1]):
        raise ValueError("a block of it does not fit its checksum")
    if kind != 0:
        raise ValueError(f"its blocks are compressed ({_COMPRESSIONS.get(kind, kind)}), which is not read")
    return data[start:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block. At its end stand places to start from, which reading all of it does not need."""
    end = len(block) - 4 * (1 + int.from_bytes(block[-4:], "little"))
    if end < 0:
        raise ValueError("a block of it is shorter than it says")
    key, at = b"", 0
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or shared + own > _LONGEST or at + own + size > end:
            raise ValueError("an entry of it is longer than its block")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size
