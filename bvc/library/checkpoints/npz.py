"""The arrays of a numpy archive, without numpy's loader: no pickles, and no more memory than the file accounts for."""

from __future__ import annotations

import ast
import lzma
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np

from bvc.component import DataError
from bvc.library.checkpoints.naming import Entry, Flat, Leaf

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    SyntaxError,
    MemoryError,
)
"""What reading damaged bytes raises."""

DTYPE = re.compile(r"[<>|=]?(f[248]|[iu][1248]|V2|b1)")
"""Numbers, as numpy writes their types."""
_HEADER_LIMIT = 10_000
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, TypeError, *UNREADABLE)
"""Likewise of an archive; a TypeError is what a header with a list as a key makes."""

SMALL = 2**26
"""Bytes that no machine minds."""
_DENSEST = 200
"""Parameters hardly compress; what grows more than this from less than a large array is made to fill memory."""


def read_npz(file: Path) -> Flat:
    """All arrays of a numpy archive; two-byte void arrays are bfloat16, as numpy writes it.

    Raises:
        DataError: the file is damaged, holds something else than numbers, or claims far more than it has.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return {_name(entry): _read_npy(archive, entry) for entry in _entries(archive)}
    except _DAMAGED as error:
        raise unreadable(file, error) from error


def list_npz(file: Path) -> dict[str, Entry]:
    """Shape and dtype of every array of a numpy archive, from the headers alone.

    Raises:
        DataError: as `read_npz`, as far as headers tell.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found: dict[str, Entry] = {}
            for entry in _entries(archive):
                with archive.open(entry) as stream:
                    dtype, _, shape = _header(entry.filename, stream.read)
                found[_name(entry)] = Entry(shape, "bfloat16" if dtype.kind == "V" else dtype.name)
            return found
    except _DAMAGED as error:
        raise unreadable(file, error) from error


def unreadable(file: Path, error: Exception, help: str = "fetch the file again") -> DataError:
    """The error for a file whose bytes make no sense."""
    return DataError(
        f"the checkpoint cannot be read: {str(error) or 'not enough memory'}", str(file), help=help
    )


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.removesuffix(".npy")


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    seen: set[str] = set()
    for entry in entries:
        if entry.filename in seen:
            raise ValueError(f"`{entry.filename}` is in it twice")
        seen.add(entry.filename)
        if entry.file_size > SMALL and entry.file_size > _DENSEST * entry.compress_size:
            raise ValueError(
                f"`{entry.filename}` would grow from {entry.compress_size} to {entry.file_size} bytes"
            )
    return entries


def _read_npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Leaf:
    with archive.open(entry) as stream:
        dtype, fortran, shape = _header(entry.filename, stream.read)
        announced = math.prod(shape) * dtype.itemsize
        there = max(0, entry.file_size - stream.tell())
        data = stream.read(min(announced, there) + 1)  # one more: the end is where the checksum is compared
    if len(data) != announced:
        raise ValueError(f"`{entry.filename}` has {there} bytes, but {announced} are announced")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return array.view(ml_dtypes.bfloat16) if dtype.kind == "V" else array.astype(dtype.newbyteorder("="))


def _header(name: str, read: Callable[[int], bytes]) -> tuple[np.dtype, bool, tuple[int, ...]]:
    """Dtype, whether dims lie in Fortran's order, and shape; what is read next is the data."""
    if read(6) != b"\x93NUMPY":
        raise ValueError(f"`{name}` is no numpy array")
    major = read(2)[0]
    length = int.from_bytes(read(2 if major == 1 else 4), "little")
    if length > _HEADER_LIMIT:
        raise ValueError(f"the header of `{name}` has {length} bytes")
    header = ast.literal_eval(read(length).decode("latin1").strip())
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError(f"`{name}` has no valid header")
    described, shape = header["descr"], header["shape"]
    if not isinstance(described, str) or not DTYPE.fullmatch(described):
        raise ValueError(f"`{name}` holds {described!r}, not numbers; pickled objects are never read")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"`{name}` has no valid shape")
    return np.dtype(described), header["fortran_order"] is True, shape
