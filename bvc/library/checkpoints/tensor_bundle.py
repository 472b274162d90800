"""A checkpoint of TensorFlow (`tensorflow/core/util/tensor_bundle`): `NAME.index` and `NAME.data-00000-of-00001`.

The index is a table of LevelDB. Its empty key holds a header, every other key is a variable's name and holds where the
variable's little-endian bytes lie, with their checksum; both are protocol buffers (`tensor_bundle.proto`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from bvc.library.checkpoints.leveldb_table import read_table, varint
from bvc.library.checkpoints.naming import Entry, Flat, Leaf
from bvc.library.checkpoints.npz import UNREADABLE, unreadable
from bvc.library.records.crc32c import masked_crc32c

_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    4: np.dtype("u1"),
    5: np.dtype("<i2"),
    6: np.dtype("i1"),
    9: np.dtype("<i8"),
    10: np.dtype("?"),
    14: np.dtype(ml_dtypes.bfloat16),
    17: np.dtype("<u2"),
    19: np.dtype("<f2"),
    22: np.dtype("<u4"),
    23: np.dtype("<u8"),
}
"""By their numbers in `tensorflow/core/framework/types.proto`."""

_FIXED = {1: 8, 5: 4}
"""Kinds of fields of a protocol buffer that have a fixed number of bytes."""

_Message = dict[int, int | bytes]

_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""How the objects of TensorFlow 2 hang together: no array."""


@dataclass(frozen=True, slots=True)
class _Variable:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    shard: int
    start: int
    size: int
    checksum: int


def bundle_there(file: Path) -> bool:
    """Whether there is such a checkpoint."""
    return index_of(file).is_file()


def index_of(file: Path) -> Path:
    """The index of a checkpoint that is named by its index, or by what its files have in common."""
    return file if file.suffix == ".index" else file.with_name(f"{file.name}.index")


def list_bundle(file: Path) -> dict[str, Entry]:
    """Shape and dtype of every variable, from the index alone.

    Raises:
        DataError: the index is damaged, or holds something else than arrays of numbers.
    """
    variables, _ = _variables(file)
    return {name: Entry(each.shape, each.dtype.name) for name, each in variables.items()}


def read_bundle(file: Path) -> Flat:
    """All variables by their names.

    Raises:
        DataError: as `list_bundle`; or a file with data is missing, too short, or does not fit its checksum.
    """
    variables, shards = _variables(file)
    found: Flat = {}
    for shard in sorted({each.shard for each in variables.values()}):
        data = index_of(file).with_suffix(f".data-{shard:05d}-of-{shards:05d}")
        inside = {name: each for name, each in variables.items() if each.shard == shard}
        try:
            room = data.stat().st_size
            if sum(each.size for each in inside.values()) > room:
                raise ValueError(f"its variables do not fit into {room} bytes")
            with open(data, "rb") as opened:
                found |= {name: _read(opened, name, each, room) for name, each in inside.items()}
        except UNREADABLE as error:
            raise unreadable(data, error) from error
    return {name: found[name] for name in variables}


def _variables(file: Path) -> tuple[dict[str, _Variable], int]:
    """What the index says of each variable, and how many files with data there are."""
    index = index_of(file)
    try:
        table = {
            key.decode("utf-8"): dict(_fields(value)) for key, value in read_table(index.read_bytes()).items()
        }
        if "" not in table:
            raise ValueError("it has no header")
        header = table.pop("")
        if header.get(2, 0) != 0:
            raise ValueError("its numbers are big-endian, which is not read")
        shards = _number(header, 1)
        found = {name: _variable(name, entry, shards) for name, entry in table.items() if name != _OBJECTS}
    except UNREADABLE as error:
        raise unreadable(index, error) from error
    return found, shards


def _variable(name: str, entry: _Message, shards: int) -> _Variable:
    """A `BundleEntryProto`."""
    dtype = _DTYPES.get(_number(entry, 1))
    if dtype is None:
        raise ValueError(f"`{name}` holds no numbers")
    if 7 in entry:
        raise ValueError(f"`{name}` is stored in slices, which is not read")
    shape = _shape(name, entry.get(2, b""))
    found = _Variable(
        dtype, shape, _number(entry, 3), _number(entry, 4), _number(entry, 5), _number(entry, 6)
    )
    announced = math.prod(shape) * dtype.itemsize
    if found.size != announced:
        raise ValueError(f"`{name}` has {found.size} bytes, but {announced} are announced")
    if found.shard >= shards:
        raise ValueError(f"`{name}` lies in file {found.shard} of {shards}")
    return found


def _shape(name: str, data: int | bytes) -> tuple[int, ...]:
    """A `TensorShapeProto`: a message for each dim."""
    if isinstance(data, int):
        raise ValueError(f"`{name}` has no valid shape")
    dims: list[int] = []
    for number, dim in _fields(data):
        if number != 2 or isinstance(dim, int):
            raise ValueError(f"`{name}` has no valid shape")
        dims.append(_number(dict(_fields(dim)), 1))
    return tuple(dims)


def _number(message: _Message, field: int) -> int:
    """A number of a message; what is zero is not written."""
    found = message.get(field, 0)
    if isinstance(found, bytes):
        raise ValueError(f"field {field} of an entry is no number")
    return found


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of the fields of a protocol buffer."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        field, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(data, at)
            yield field, value
            continue
        if kind == 2:
            size, at = varint(data, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise ValueError(f"it holds a field of kind {kind}, which there is not")
        if at + size > len(data):
            raise ValueError("an entry of it is cut off")
        content = data[at : at + size]
        yield field, content if kind == 2 else int.from_bytes(content, "little")
        at += size


def _read(data: BinaryIO, name: str, wanted: _Variable, room: int) -> Leaf:
    if wanted.start + wanted.size > room:
        raise ValueError(f"`{name}` is cut off")
    data.seek(wanted.start)
    content = data.read(wanted.size)
    if masked_crc32c(content) != wanted.checksum:
        raise ValueError(f"`{name}` does not fit its checksum")
    return np.frombuffer(content, wanted.dtype).reshape(wanted.shape)
