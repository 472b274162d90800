"""Parts of a checkpoint: the file into which a process writes its pieces, laid out as safetensors are.

In a store nothing is appended to and nothing renamed, and no other process sees this one's disk. So each process
uploads one file of its own, and reads of the others' files the ranges that it needs. A piece is named
`ARRAY@START,START`; its SHA-256 stands in the header, and that of the header in the manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from bvc.library.checkpoints.safetensors_file import SAFETENSORS
from bvc.runtime.checkpoints.pieces import Piece
from bvc.runtime.folder import Folder

_TAGS = {dtype: tag for tag, dtype in SAFETENSORS.items()}
_AT_ONCE = 1 << 24
"""Bytes given to a store at a time: it copies what it is given."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a manifest says of a part: its bytes, those of its header, and the header's SHA-256."""

    size: int
    header: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A piece in a part: the array and where it begins there, and where its bytes lie in the file."""

    file: str
    name: str
    start: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    begin: int
    end: int
    sha256: str


def write_part(folder: Folder, file: str, pieces: Sequence[Piece]) -> Part:
    """Write a file of pieces. Raises `OSError`."""
    table: dict[str, object] = {}
    digests: dict[str, str] = {}
    end = 0
    for piece in pieces:
        key = f"{piece.name}@{','.join(map(str, piece.start))}"
        begin, end = end, end + piece.data.nbytes
        digests[key] = hashlib.sha256(_bytes(piece.data)).hexdigest()
        table[key] = {
            "dtype": _TAGS[piece.data.dtype.name],
            "shape": piece.data.shape,
            "data_offsets": (begin, end),
        }
    text = json.dumps({"__metadata__": digests, **table}).encode()
    header = len(text).to_bytes(8, "little") + text

    def chunks() -> Iterator[bytes | memoryview]:
        yield header
        for piece in pieces:
            data = _bytes(piece.data)
            for at in range(0, len(data), _AT_ONCE):
                yield data[at : at + _AT_ONCE]

    folder.stream(file, chunks())
    return Part(len(header) + end, len(header), hashlib.sha256(header).hexdigest())


def read_table(folder: Folder, file: str, part: Part) -> list[Stored]:
    """The pieces in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not what was written; the text completes "the checkpoint is not used: ...".
    """
    header = folder.read_range(file, 0, part.header)
    if hashlib.sha256(header).hexdigest() != part.sha256:
        raise ValueError(f"its file `{file}` is not what was saved")
    table = json.loads(header[8:])
    digests = table.pop("__metadata__")
    found: list[Stored] = []
    for key, entry in table.items():
        name, _, start = key.rpartition("@")
        begin, end = (part.header + offset for offset in entry["data_offsets"])
        found.append(
            Stored(
                file,
                name,
                tuple(map(int, start.split(","))) if start else (),
                tuple(entry["shape"]),
                SAFETENSORS[entry["dtype"]],
                begin,
                end,
                digests[key],
            )
        )
    return found


def read_piece(folder: Folder, stored: Stored) -> Shaped[np.ndarray, "*dims"]:
    """The values of a piece. Raises as `read_table` does."""
    data = folder.read_range(stored.file, stored.begin, stored.end)
    if hashlib.sha256(data).hexdigest() != stored.sha256:
        raise ValueError(f"its file `{stored.file}` is not what was saved")
    return np.frombuffer(data, np.dtype(stored.dtype)).reshape(stored.shape)


def _bytes(data: np.ndarray) -> memoryview:
    return np.ascontiguousarray(data).reshape(-1).view(np.uint8).data
