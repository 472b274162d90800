"""Files of Hugging Face's implementations (PyTorch conventions) under big_vision's names.

There the kernel of a linear map is `weight` with outputs first and heads merged into its rows, a convolution has
its channels first, and the norm's scale is `weight` too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bvc.component import DataError
from bvc.library.checkpoints.naming import Flat, Leaf, Naming, rename

_LEAVES = {"kernel": "weight", "scale": "weight", "embedding": "weight", "bias": "bias"}


def foreign(name: str, naming: Naming) -> str | None:
    """Hugging Face's name of a public name, or None if it has none."""
    stem, _, leaf = name.rpartition("/")
    whole = rename(name, naming.huggingface)
    if whole is not None and "/" not in whole:
        return whole
    module = rename(stem, naming.huggingface)
    return None if module is None else f"{module.replace('/', '.')}.{_LEAVES.get(leaf, leaf)}"


def recognizes(flat: Flat, naming: Naming) -> bool:
    """Whether a file uses these names: dots join their words, slashes those of big_vision."""
    del naming
    return not any("/" in name for name in flat) and any("." in name for name in flat)


def published(flat: Flat, naming: Naming, wanted: Mapping[str, tuple[int, ...]]) -> Flat:
    """The file's arrays under big_vision's names and in its shapes; names that nothing asks for stay.

    Raises:
        DataError: an array has not the number of entries that the model's parameter has.
    """
    for repair in naming.huggingface_repairs:
        flat = repair(flat, wanted)
    found: Flat = {}
    taken: set[str] = set()
    for name, shape in wanted.items():
        theirs = foreign(naming.public(name), naming)
        if theirs is not None and theirs in flat:
            found[name] = _turned(flat[theirs], name, shape)
            taken.add(theirs)
    return found | {name: leaf for name, leaf in flat.items() if name not in taken}


def _turned(leaf: Leaf, name: str, shape: tuple[int, ...]) -> Leaf:
    if not name.endswith("/kernel"):
        return leaf.reshape(shape) if leaf.size == np.prod(shape) else leaf
    if leaf.ndim == 4:
        return leaf.transpose(2, 3, 1, 0)  # out, in, height, width -> height, width, in, out
    if leaf.ndim != 2 or leaf.size != np.prod(shape):
        raise DataError(
            f"`{name}` has shape {list(shape)} in the model, but {list(leaf.shape)} in the checkpoint"
        )
    return np.ascontiguousarray(leaf.T).reshape(shape)
