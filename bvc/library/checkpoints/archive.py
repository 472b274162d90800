"""Reading the arrays of a `.npz` or `.safetensors` file. Nothing in a file is ever executed."""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from bvc.component import DataError
from bvc.library.checkpoints.naming import Flat, Leaf

_ADDRESS = re.compile(r"(?P<file>.*\.(?:npz|safetensors))(?::(?P<subtree>[\w/]+))?")
_DTYPE = re.compile(r"[<>|=]?([fiub][1248]|V2|b1)")
_HEADER_LIMIT = 10_000
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    SyntaxError,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where parameters are: a file, and optionally the part of it below a name."""

    file: Path
    subtree: str = ""


def address(text: str) -> Address:
    """Read `FILE.npz`, `FILE.npz:sub/tree`, or the same with `.safetensors`.

    Raises:
        DataError: it is neither.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise DataError(
            f'"{text}" is no checkpoint that can be read',
            help="give a .npz or .safetensors file, with `:name` after it for the part below a name",
        )
    return Address(Path(found["file"]), (found["subtree"] or "").strip("/"))


def read(text: str) -> Flat:
    """The arrays at an address, by name.

    Of a file that holds a whole training state only the parameters (`params`, else `opt/target`) and what a
    model learns without gradients (`state`). Two-byte void arrays are bfloat16, as numpy writes it.

    Raises:
        DataError: the file is missing, damaged, holds pickled objects, or has nothing below that name.
    """
    where = address(text)
    if not where.file.is_file():
        raise DataError(
            "the checkpoint is missing", str(where.file), help="put the file there, or change `init`"
        )
    flat = read_npz(where.file) if where.file.suffix == ".npz" else _read_safetensors(where.file)
    for root in ("params", "opt/target"):
        inside = _below(flat, root)
        if inside:
            flat = inside | {f"state/{name}": leaf for name, leaf in _below(flat, "state").items()}
            break
    if where.subtree:
        flat = _below(flat, where.subtree)
        if not flat:
            raise DataError(f"nothing in the checkpoint lies below `{where.subtree}`", str(where.file))
    return flat


def read_npz(file: Path) -> Flat:
    """All arrays of a numpy archive.

    Raises:
        DataError: the file is damaged or holds something else than numbers.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return {
                entry.filename.removesuffix(".npy"): _read_npy(archive, entry) for entry in archive.infolist()
            }
    except (zipfile.BadZipFile, zlib.error, struct.error, *_UNREADABLE) as error:
        raise DataError(
            f"the checkpoint cannot be read: {error}", str(file), help="fetch the file again"
        ) from error


def _read_npy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Leaf:
    with archive.open(entry) as stream:
        if stream.read(6) != b"\x93NUMPY":
            raise ValueError(f"`{entry.filename}` is no numpy array")
        major = stream.read(2)[0]
        length = int.from_bytes(stream.read(2 if major == 1 else 4), "little")
        if length > _HEADER_LIMIT:
            raise ValueError(f"the header of `{entry.filename}` has {length} bytes")
        dtype, fortran, shape = _header(entry.filename, stream.read(length).decode("latin1"))
        count = math.prod(shape)
        data = stream.read()
    if len(data) != count * dtype.itemsize:
        raise ValueError(
            f"`{entry.filename}` has {len(data)} bytes, but {count * dtype.itemsize} are announced"
        )
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return array.view(ml_dtypes.bfloat16) if dtype.kind == "V" else array.astype(dtype.newbyteorder("="))


def _header(name: str, text: str) -> tuple[np.dtype, bool, tuple[int, ...]]:
    header = ast.literal_eval(text.strip())
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError(f"`{name}` has no valid header")
    described, shape = header["descr"], header["shape"]
    if not isinstance(described, str) or not _DTYPE.fullmatch(described):
        raise ValueError(f"`{name}` holds {described!r}, not numbers; pickled objects are never read")
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"`{name}` has no valid shape")
    return np.dtype(described), header["fortran_order"] is True, shape


def _read_safetensors(file: Path) -> Flat:
    try:
        return dict(load_file(file))
    except (SafetensorError, *_UNREADABLE) as error:
        raise DataError(
            f"the checkpoint cannot be read: {error}", str(file), help="fetch the file again"
        ) from error


def _below(flat: Flat, root: str) -> Flat:
    """What lies below a name; the name itself may be an array, which keeps its last word."""
    if root in flat:
        return {root.rsplit("/", 1)[-1]: flat[root]}
    return {name.removeprefix(f"{root}/"): leaf for name, leaf in flat.items() if name.startswith(f"{root}/")}
