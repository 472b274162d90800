"""Reading the arrays of a `.npz`, `.safetensors` or `.msgpack` file. Nothing in a file is ever executed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from bvc.component import DataError
from bvc.library.checkpoints.flax_msgpack import read_msgpack
from bvc.library.checkpoints.naming import Entry, Flat
from bvc.library.checkpoints.npz import UNREADABLE, list_npz, read_npz, unreadable

_ADDRESS = re.compile(r"(?P<file>.*\.(?:npz|safetensors|msgpack))(?::(?P<subtree>[\w/]+))?")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """Where parameters are: a file, and optionally the part of it below a name."""

    file: Path
    subtree: str = ""


def address(text: str) -> Address:
    """Read `FILE.npz`, `FILE.npz:sub/tree`, or the same with `.safetensors` or `.msgpack`.

    Raises:
        DataError: it is neither.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise DataError(
            f'"{text}" is no checkpoint that can be read',
            help="give a .npz, .safetensors or .msgpack file, with `:name` after it for the part below a name",
        )
    return Address(Path(found["file"]), (found["subtree"] or "").strip("/"))


def read(text: str) -> Flat:
    """The arrays at an address, by name.

    Of a file that holds a whole training state only the parameters (`params`, else `opt/target`) and what a
    model learns without gradients (`state`). Two-byte void arrays are bfloat16, as numpy writes it.

    Raises:
        DataError: the file is missing, damaged, holds pickled objects, or has nothing below that name.
    """
    where = _present(text)
    flat = _READERS[where.file.suffix](where.file)
    for root in ("params", "opt/target"):
        inside = _below(flat, root)
        if inside:
            flat = inside | {f"state/{name}": leaf for name, leaf in _below(flat, "state").items()}
            break
    return _part(flat, where)


def entries(text: str) -> dict[str, Entry]:
    """Shape and dtype of every array at an address as the file names it, without reading the arrays.

    Raises:
        DataError: as `read`, as far as headers tell.
    """
    where = _present(text)
    return _part(_LISTERS[where.file.suffix](where.file), where)


def _present(text: str) -> Address:
    where = address(text)
    if not where.file.is_file():
        raise DataError(
            "the checkpoint is missing", str(where.file), help="put the file there, or change `init`"
        )
    return where


def _read_safetensors(file: Path) -> Flat:
    try:
        return dict(load_file(file))
    except (SafetensorError, *UNREADABLE) as error:
        raise unreadable(file, error) from error


_SAFETENSORS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def _list_safetensors(file: Path) -> dict[str, Entry]:
    try:
        with safe_open(file, framework="numpy") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
            found = {name: (tuple(each.get_shape()), str(each.get_dtype())) for name, each in slices.items()}
            return {
                name: Entry(shape, _SAFETENSORS.get(dtype, dtype)) for name, (shape, dtype) in found.items()
            }
    except (SafetensorError, *UNREADABLE) as error:
        raise unreadable(file, error) from error


def _list_msgpack(file: Path) -> dict[str, Entry]:
    """Such a file has no header: it is read."""
    return {name: Entry(leaf.shape, leaf.dtype.name) for name, leaf in read_msgpack(file).items()}


_READERS: dict[str, Callable[[Path], Flat]] = {
    ".npz": read_npz,
    ".safetensors": _read_safetensors,
    ".msgpack": read_msgpack,
}
_LISTERS: dict[str, Callable[[Path], dict[str, Entry]]] = {
    ".npz": list_npz,
    ".safetensors": _list_safetensors,
    ".msgpack": _list_msgpack,
}


def _part(flat: dict[str, T], where: Address) -> dict[str, T]:
    if not where.subtree:
        return flat
    found = _below(flat, where.subtree)
    if not found:
        raise DataError(
            f"nothing in the checkpoint lies below `{where.subtree}`",
            str(where.file),
            help=_places(where.subtree, flat),
        )
    return found


def _places(missed: str, names: Iterable[str]) -> str:
    """The places of a file that are called most like one that is not in it; else where its names begin."""
    words = [name.split("/") for name in names]
    every = {"/".join(path[:depth]) for path in words for depth in range(1, len(path) + 1)}
    close = difflib.get_close_matches(missed, every, n=3, cutoff=0.5)
    shown = close or sorted({path[0] for path in words})[:6]
    return f"{'the nearest places' if close else 'its places'} are {', '.join(f'`{each}`' for each in shown)}"


def _below(flat: Mapping[str, T], root: str) -> dict[str, T]:
    """What lies below a name; the name itself may be an array, which keeps its last word."""
    if root in flat:
        return {root.rsplit("/", 1)[-1]: flat[root]}
    return {name.removeprefix(f"{root}/"): leaf for name, leaf in flat.items() if name.startswith(f"{root}/")}
