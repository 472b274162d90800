"""The checksum of TFRecord files, beside its definition bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.library.records.crc32c import masked_crc32c


def defined(data: bytes) -> int:
    """RFC 3720, one bit at a time; then masked."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@given(st.binary(max_size=40))
@settings(max_examples=60)
def test_short_records(data: bytes) -> None:
    assert masked_crc32c(data) == defined(data)


@pytest.mark.parametrize("size", [1023, 1024, 1025, 1027, 1028, 2048, 3000])
def test_records_of_several_chunks(size: int) -> None:
    data = np.random.default_rng(size).integers(256, size=size, dtype=np.uint8).tobytes()
    assert masked_crc32c(data) == defined(data)
