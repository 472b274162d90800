"""A number for a text, the same everywhere."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from bvc.component import Text, component

_KEYS = (3714561454027272724, 8800639020734831960)
_BUCKETS = 2**63 - 1
_WORD = 2**64 - 1


@component("op")
def strong_hash(tfds_id: Text) -> Int64[np.ndarray, ""]:
    """The number of a text, such as an example's name: SipHash-2-4 modulo 2^63 - 1 (big_vision, uvim/pp_ops.py)."""
    return np.asarray(_siphash(tfds_id.encode()) % _BUCKETS, np.int64)


def _siphash(data: bytes) -> int:
    """SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, section 2)."""
    first, second = _KEYS
    state = (
        first ^ 0x736F6D6570736575,
        second ^ 0x646F72616E646F6D,
        first ^ 0x6C7967656E657261,
        second ^ 0x7465646279746573,
    )
    whole = len(data) - len(data) % 8
    last = data[whole:].ljust(7, b"\0") + bytes([len(data) % 256])
    for block in (*(data[at : at + 8] for at in range(0, whole, 8)), last):
        word = int.from_bytes(block, "little")
        a, b, c, d = state
        a, b, c, d = _round(*_round(a, b, c, d ^ word))
        state = (a ^ word, b, c, d)
    a, b, c, d = state
    c ^= 0xFF
    for _ in range(4):
        a, b, c, d = _round(a, b, c, d)
    return a ^ b ^ c ^ d


def _round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a = (a + b) & _WORD
    b = _rotated(b, 13) ^ a
    a = _rotated(a, 32)
    c = (c + d) & _WORD
    d = _rotated(d, 16) ^ c
    a = (a + d) & _WORD
    d = _rotated(d, 21) ^ a
    c = (c + b) & _WORD
    b = _rotated(b, 17) ^ c
    c = _rotated(c, 32)
    return a, b, c, d


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & _WORD
