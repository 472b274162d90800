"""Random access to the records of TFRecord files, without TensorFlow.

A record is its length (u64), a checksum of that (u32), the bytes, and a checksum of them (u32)
(tensorflow/core/lib/io/record_writer.h). Where each begins is found once by walking the lengths.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bvc.component import DataError
from bvc.library.records.crc32c import masked_crc32c

_HEADER = struct.Struct("<QI")
_FOOTER = 4


@dataclass(frozen=True)
class TfRecords:
    """The records of several files, one after another."""

    paths: Sequence[str]

    def __len__(self) -> int:
        return len(self._starts[1])

    def __getitem__(self, index: int) -> bytes:
        file, start = int(self._starts[0][index]), int(self._starts[1][index])
        with open(self.paths[file], "rb") as opened:
            opened.seek(start)
            header = opened.read(_HEADER.size)
            length, of_length = _HEADER.unpack(header)
            if masked_crc32c(header[:8]) != of_length:
                raise ValueError("the checksum of its length is wrong")
            data, of_data = opened.read(length), opened.read(_FOOTER)
        if len(data) != length or len(of_data) != _FOOTER:
            raise ValueError("it breaks off")
        if masked_crc32c(data) != int.from_bytes(of_data, "little"):
            raise ValueError("its checksum is wrong")
        return data

    @cached_property
    def _starts(self) -> tuple[np.ndarray, np.ndarray]:
        found = [_walk(path) for path in self.paths]
        files = np.repeat(np.arange(len(found)), [len(starts) for starts in found])
        return files, np.concatenate([np.zeros(0, np.int64), *found])


def _walk(path: str) -> np.ndarray:
    size = os.path.getsize(path)
    starts: list[int] = []
    position = 0
    with open(path, "rb") as opened:
        while position < size:
            opened.seek(position)
            header = opened.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise DataError("a TFRecord file that breaks off", path)
            starts.append(position)
            position += _HEADER.size + _HEADER.unpack(header)[0] + _FOOTER
    if position != size:
        raise DataError("a TFRecord file that breaks off, or is none", path)
    return np.array(starts, np.int64)
