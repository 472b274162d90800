"""The arrays of a `.safetensors` file."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from bvc.library.checkpoints.naming import Entry, Flat
from bvc.library.checkpoints.npz import UNREADABLE, unreadable

SAFETENSORS = {
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
"""Types as a header names them -> as numpy does."""


def read_safetensors(file: Path) -> Flat:
    """All arrays by their names.

    Raises:
        DataError: the file is damaged, or holds numbers that numpy does not have.
    """
    for name, entry in list_safetensors(file).items():
        if entry.dtype not in SAFETENSORS.values():
            raise unreadable(file, ValueError(f"`{name}` holds {entry.dtype}, which is not read"))
    try:
        return dict(load_file(file))
    except (SafetensorError, *UNREADABLE) as error:
        raise unreadable(file, error) from error


def list_safetensors(file: Path) -> dict[str, Entry]:
    """Shape and dtype of every array, from the header alone.

    Raises:
        DataError: the header is damaged.
    """
    try:
        with safe_open(file, framework="numpy") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
            found = {name: (tuple(each.get_shape()), str(each.get_dtype())) for name, each in slices.items()}
            return {
                name: Entry(shape, SAFETENSORS.get(dtype, dtype)) for name, (shape, dtype) in found.items()
            }
    except (SafetensorError, *UNREADABLE) as error:
        raise unreadable(file, error) from error
