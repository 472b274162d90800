"""A checkpoint of big_vision's trainers (`utils.save_checkpoint_ts`): a folder with one of zarr for each array.

The names of arrays are paths in the trainer's state, with `~` for `/`: `params~img~head~kernel`, `opt~0~mu~...`. The
folder is called `checkpoint.bv-000001000` by its step, with `-tmp` if the next save replaces it. The file
`checkpoint.bv-LAST` beside it names the newest complete one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from bvc.component import DataError
from bvc.library.checkpoints.naming import Entry, Flat
from bvc.library.checkpoints.npz import DTYPE, SMALL, UNREADABLE, unreadable

_POINTER = "-LAST"
_FOLDER = re.compile(r"(?P<trainer>.*)-(?P<step>\d+)(?P<passing>-tmp)?")
_LONGEST = 100_000
"""Bytes of a description of an array."""
_DENSEST = 20_000
"""Arrays that are zero all over compress well; what grows more than this is made to fill memory."""


@dataclass(frozen=True, slots=True)
class _Array:
    """One array as its folder describes it.

    Attributes:
        folder: where its chunks lie.
        name: with `/`.
    """

    folder: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Its bytes in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


def folder_there(file: Path) -> bool:
    """Whether there is such a folder, or a file that names the newest one."""
    return file.is_dir() or _pointer(file).is_file()


def list_folder(file: Path) -> dict[str, Entry]:
    """Shape and dtype of every array of the trainer's state, as they are described.

    Raises:
        DataError: as `read_folder`, as far as descriptions tell.
    """
    try:
        return {each.name: Entry(each.shape, each.dtype.name) for each in _arrays(_complete(file))}
    except UNREADABLE as error:
        raise _unreadable(file, error) from error


def read_folder(file: Path) -> Flat:
    """The parameters, and what a model learns without gradients (`state`); all arrays where there are no parameters.

    Raises:
        DataError: the folder is damaged or was never completed, or holds something else than numbers.
    """
    import tensorstore  # takes 0.2 s, and no other format needs it

    def opened(array: _Array) -> Any:
        spec = {
            "driver": "zarr",
            "kvstore": {"driver": "file", "path": f"{array.folder}/"},
            "fill_missing_data_reads": False,  # a chunk that is not there would else be read as zeros
        }
        return tensorstore.open(spec, read=True)

    try:
        arrays = list(_arrays(_complete(file)))
        arrays = [each for each in arrays if each.name.startswith(("params/", "state/"))] or arrays
        for array in arrays:
            _check_size(array)
        stores = {array.name: opened(array) for array in arrays}
        reads = {name: store.result().read() for name, store in stores.items()}
        return {name: np.asarray(read.result()) for name, read in reads.items()}
    except UNREADABLE as error:
        raise _unreadable(file, error) from error


def _pointer(file: Path) -> Path:
    return file if file.name.endswith(_POINTER) else file.with_name(f"{file.name}{_POINTER}")


def _complete(file: Path) -> Path:
    """The folder that is meant, once it is known that its save came to its end.

    The pointer is written when a save has ended. A folder with a greater step than it names was begun later, and one
    that ends in `-tmp` goes when the next has ended.
    """
    if not file.is_dir():
        return file.with_name(f"{_pointer(file).name.removesuffix(_POINTER)}-{_pointed(_pointer(file))}")
    found = _FOLDER.fullmatch(file.name)
    pointer = file.with_name(f"{found['trainer']}{_POINTER}") if found else None
    if found is None or pointer is None:
        return file
    last = _pointed(pointer) if pointer.is_file() else ""
    passing = found["passing"] and last != f"{found['step']}{found['passing']}"
    if passing or last and int(found["step"]) > int(last.removesuffix("-tmp")):
        newest = f"`{pointer.name}` names {last}" if last else f"there is no `{pointer.name}`"
        raise ValueError(f"nothing says that its save was completed: {newest}")
    return file


def _pointed(pointer: Path) -> str:
    text = pointer.read_text(encoding="ascii").strip()
    if not re.fullmatch(r"\d+(-tmp)?", text):
        raise ValueError(f"`{pointer.name}` names no step")
    return text


def _arrays(folder: Path) -> Iterator[_Array]:
    for place in sorted(folder.iterdir()):
        if place.is_dir():
            yield _described(place)


def _described(place: Path) -> _Array:
    """What `.zarray` says; how its chunks are compressed is left to tensorstore."""
    name = place.name.replace("~", "/")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"`{place.name}` is no name of an array")
    try:
        with open(place / ".zarray", "rb") as opened:
            said = json.loads(opened.read(_LONGEST))
    except FileNotFoundError as error:
        raise ValueError(f"`{name}` is not described: its save was not completed") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the description of `{name}` is damaged") from error
    shape, dtype = (said.get("shape"), said.get("dtype")) if isinstance(said, dict) else (None, None)
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"`{name}` has no valid shape")
    if dtype != "bfloat16" and not (isinstance(dtype, str) and DTYPE.fullmatch(dtype)):
        raise ValueError(f"`{name}` holds {dtype!r}, not numbers")
    return _Array(place, name, tuple(shape), np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype))


def _check_size(array: _Array) -> None:
    there = sum(each.stat().st_size for each in array.folder.rglob("*") if each.is_file())
    if array.size > SMALL and array.size > _DENSEST * there:
        raise ValueError(f"`{array.name}` would grow from {there} to {array.size} bytes")


def _unreadable(file: Path, error: Exception) -> DataError:
    """Without the code that tensorstore's messages begin with, and the places in its own code that they end with."""
    reason = re.sub(r"^[A-Z_]+: | \[(source locations|tensorstore_spec)=.*", "", str(error), flags=re.DOTALL)
    return unreadable(file, ValueError(reason), help="copy the folder again, or name another")
