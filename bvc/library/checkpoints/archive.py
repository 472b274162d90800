"""Reading the arrays of checkpoints of every kind. Nothing in a file is ever executed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bvc.component import DataError
from bvc.library.checkpoints.flax_msgpack import read_msgpack
from bvc.library.checkpoints.naming import Entry, Flat
from bvc.library.checkpoints.npz import list_npz, read_npz
from bvc.library.checkpoints.safetensors_file import list_safetensors, read_safetensors
from bvc.library.checkpoints.tensor_bundle import bundle_there, list_bundle, read_bundle
from bvc.library.checkpoints.zarr_folder import folder_there, list_folder, read_folder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """Where parameters are: a file (or what the files of a checkpoint have in common), and optionally the part of it
    below a name.
    """

    file: Path
    subtree: str = ""


def address(text: str) -> Address:
    """Read `FILE.npz`, or `FILE.npz:sub/tree` for a part of it.

    Likewise `.safetensors` and `.msgpack`; of big_vision's trainers `checkpoint.bv-000001000`, or `checkpoint.bv` for
    the newest; of TensorFlow `NAME.ckpt`.

    Raises:
        DataError: it is none of them.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise DataError(
            f'"{text}" is no checkpoint that can be read',
            help="give a .npz, .safetensors or .msgpack file, a checkpoint.bv folder of big_vision or a .ckpt of "
            "TensorFlow, with `:name` after it for the part below a name",
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
    flat = _kind(where.file).read(where.file)
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
    return _part(_kind(where.file).entries(where.file), where)


def there(file: Path) -> bool:
    """Whether a checkpoint is where an address says."""
    return _kind(file).there(file)


def _present(text: str) -> Address:
    where = address(text)
    if not there(where.file):
        raise DataError(
            "the checkpoint is missing", str(where.file), help="put the file there, or change `init`"
        )
    return where


def _list_msgpack(file: Path) -> dict[str, Entry]:
    """Such a file has no header: it is read."""
    return {name: Entry(leaf.shape, leaf.dtype.name) for name, leaf in read_msgpack(file).items()}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of checkpoint.

    Attributes:
        ending: pattern of what its name ends with.
        there: whether one is at a place.
        read: its arrays; the parameters at least.
        entries: what arrays it has.
    """

    ending: str
    there: Callable[[Path], bool]
    read: Callable[[Path], Flat]
    entries: Callable[[Path], dict[str, Entry]]


_KINDS = (
    _Kind(r"\.npz", Path.is_file, read_npz, list_npz),
    _Kind(r"\.safetensors", Path.is_file, read_safetensors, list_safetensors),
    _Kind(r"\.msgpack", Path.is_file, read_msgpack, _list_msgpack),
    _Kind(r"\.bv(-\d+(-tmp)?|-LAST)?", folder_there, read_folder, list_folder),
    _Kind(r"\.ckpt(-\d+)?(\.index)?", bundle_there, read_bundle, list_bundle),
)
_ADDRESS = re.compile(
    rf"(?P<file>.*(?:{'|'.join(kind.ending for kind in _KINDS)}))/?(?::(?P<subtree>[\w/]+))?"
)


def _kind(file: Path) -> _Kind:
    return next(kind for kind in _KINDS if re.fullmatch(f".*{kind.ending}", file.name))


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
