"""The arrays of a file that Flax's `save_checkpoint` wrote: one MessagePack of nested dicts.

Arrays are extensions of the format: 1 an array of (shape, dtype, bytes), 3 a scalar written the same way. A large array
lies in chunks. Nothing else than numbers, texts and dicts can be in such a file, and nothing in it is executed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import msgpack
import numpy as np

from bvc.library.checkpoints.naming import Flat, Leaf
from bvc.library.checkpoints.npz import UNREADABLE, unreadable

_ARRAY, _SCALAR = 1, 3
_CHUNKED = "__msgpack_chunked_array__"
_NUMBERS = "fiub"


def read_msgpack(file: Path) -> Flat:
    """All arrays by their names, dicts joined by `/`; numbers that stand alone are arrays without dims.

    Raises:
        DataError: the file is damaged, or holds something else.
    """
    try:
        tree = msgpack.unpackb(file.read_bytes(), ext_hook=_array, raw=False, strict_map_key=False)
        if not isinstance(tree, dict):
            raise ValueError("it holds no dict of arrays")
        found: Flat = {}
        for name, leaf in _leaves(tree, ""):
            if leaf.dtype.kind not in _NUMBERS and leaf.dtype != ml_dtypes.bfloat16:
                raise ValueError(f"`{name}` holds no numbers")
            if name in found:
                raise ValueError(f"`{name}` is in it twice")
            found[name] = leaf
        return found
    except msgpack.StackError as error:
        raise unreadable(file, ValueError("its dicts are nested too deeply")) from error
    except (msgpack.UnpackException, TypeError, *UNREADABLE) as error:  # TypeError: an array as a key
        raise unreadable(file, error) from error


def _leaves(tree: dict[Any, Any], prefix: str) -> Iterator[tuple[str, Leaf]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value.get(_CHUNKED):
            yield name, _joined(name, value)
        elif isinstance(value, dict):
            yield from _leaves(value, f"{name}/")
        elif value is not None:
            yield name, np.asarray(value)


def _array(code: int, data: bytes) -> Leaf:
    if code not in (_ARRAY, _SCALAR):
        raise ValueError(f"it holds an extension {code}, which is no array")
    match msgpack.unpackb(data, raw=True):
        case [[*shape], bytes(name), bytes(content)] if all(
            isinstance(size, int) and size >= 0 for size in shape
        ):
            pass
        case _:
            raise ValueError("it holds an array without shape, dtype and bytes")
    dtype = np.dtype(ml_dtypes.bfloat16) if name == b"bfloat16" else _dtype(name)
    if dtype.kind not in _NUMBERS and dtype != ml_dtypes.bfloat16:
        raise ValueError(f"it holds an array of {dtype}, not of numbers")
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"an array of shape {list(shape)} has {len(content)} bytes")
    return np.frombuffer(content, dtype).reshape(tuple(shape))


def _dtype(name: bytes) -> np.dtype[Any]:
    try:
        return np.dtype(name.decode("ascii"))
    except TypeError as error:
        raise ValueError(f"it holds an array of {name!r}") from error


def _joined(name: str, value: dict[Any, Any]) -> Leaf:
    """The parts of a large array, which lie under "0", "1", ... as does each size of its shape."""
    sizes, parts = value.get("shape"), value.get("chunks")
    if not isinstance(sizes, dict) or not isinstance(parts, dict):
        raise ValueError(f"`{name}` has no shape or no chunks")
    shape = tuple(sizes[str(dim)] for dim in range(len(sizes)))
    whole = np.concatenate([np.ravel(parts[str(part)]) for part in range(len(parts))])
    if not all(isinstance(size, int) for size in shape) or math.prod(shape) != whole.size:
        raise ValueError(f"`{name}` of shape {list(shape)} has {whole.size} numbers")
    return whole.reshape(shape)
