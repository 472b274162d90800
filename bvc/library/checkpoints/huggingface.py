"""Files of Hugging Face's implementations (PyTorch conventions) under big_vision's names.

There the kernel of a linear map is `weight` with outputs first and heads merged into its rows, a convolution has
its channels first, and the scale of a norm is `weight` too.
"""

from __future__ import annotations

import re

import numpy as np

from bvc.library.checkpoints.naming import Flat, Foreign, Leaf, Naming, Shapes, rename

_LEAVES = {"kernel": "weight", "scale": "weight", "embedding": "weight", "bias": "bias"}


def recognized(flat: Flat, naming: Naming) -> Foreign | None:
    """Which of the implementations that a model knows wrote this file; None if it is none of them."""
    for foreign in naming.foreign:
        if any(foreign.mark in name for name in flat):
            return foreign
    return None


def published(flat: Flat, naming: Naming, foreign: Foreign, wanted: Shapes) -> tuple[Flat, tuple[str, ...]]:
    """The file's arrays under big_vision's names and in its conventions.

    Returns:
        The arrays (those that nothing asks for keep their names), and the names of those that this kind of
        file is known to hold besides: pre-training heads, buffers.
    """
    for repair in foreign.repairs:
        flat = repair(flat, wanted)
    known = tuple(name for name in flat if any(re.fullmatch(pattern, name) for pattern in foreign.besides))
    found: Flat = {}
    taken: set[str] = set()
    for name, shape in wanted.items():
        theirs = their_name(naming.public(name), foreign)
        if theirs in flat:
            found[name] = _turned(flat[theirs], name, shape)
            taken.add(theirs)
    rest = {name: leaf for name, leaf in flat.items() if name not in taken and name not in known}
    return found | rest, known


def their_name(name: str, foreign: Foreign) -> str:
    """Hugging Face's name of a public name; empty if it has none."""
    module, _, leaf = name.rpartition("/")
    whole = {public: theirs for public, theirs in foreign.rules if public == name}
    if whole:
        return whole[name]
    found = rename(module, foreign.rules)
    return "" if found is None else f"{found.replace('/', '.')}.{_LEAVES.get(leaf, leaf)}"


def _turned(leaf: Leaf, name: str, shape: tuple[int, ...]) -> Leaf:
    """An array in big_vision's conventions; what doesn't fit stays and is told when shapes are compared."""
    if name.endswith("/kernel"):
        # out, in, height, width -> height, width, in, out
        leaf = leaf.transpose(2, 3, 1, 0) if leaf.ndim == 4 else leaf.T
    elif leaf.ndim == 2 and len(shape) == 3:
        leaf = leaf[None]  # a table of positions
    fits = leaf.size == int(np.prod(shape)) and leaf.ndim != 4
    return np.ascontiguousarray(leaf.reshape(shape) if fits else leaf)
