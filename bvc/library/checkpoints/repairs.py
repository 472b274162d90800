"""What turns older layouts of big_vision's files into today's names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from bvc.component import DataError
from bvc.library.checkpoints.naming import Flat, Leaf, Repair, Shapes, Stacking

_NUMBERED = re.compile(r"(.*)_(\d+)")


def renumber(flat: Flat, wanted: Shapes) -> Flat:
    """Number submodules per class from 0, as Flax does since Linen; before, numbers ran over all classes."""
    del wanted
    children: dict[tuple[str, str], set[int]] = {}
    for name in flat:
        words = name.split("/")
        for depth, word in enumerate(words[:-1]):
            if found := _NUMBERED.fullmatch(word):
                children.setdefault(("/".join(words[:depth]), found[1]), set()).add(int(found[2]))
    ranks = {
        (parent, prefix, number): rank
        for (parent, prefix), numbers in children.items()
        for rank, number in enumerate(sorted(numbers))
    }

    def renamed(name: str) -> str:
        words = name.split("/")
        for depth, word in enumerate(words[:-1]):
            if found := _NUMBERED.fullmatch(word):
                parent = "/".join(name.split("/")[:depth])
                words[depth] = f"{found[1]}_{ranks[parent, found[1], int(found[2])]}"
        return "/".join(words)

    return {renamed(name): leaf for name, leaf in flat.items()}


def moved(moves: Mapping[str, str]) -> Repair:
    """What moves everything below one name to another."""

    def apply(flat: Flat, wanted: Shapes) -> Flat:
        del wanted
        return {_move(name, moves): leaf for name, leaf in flat.items()}

    return apply


def _move(name: str, moves: Mapping[str, str]) -> str:
    for old, new in moves.items():
        if name == old or name.startswith(f"{old}/"):
            return new + name[len(old) :]
    return name


def split_cls_posemb(flat: Flat, wanted: Shapes) -> Flat:
    """Split a position table of k^2 + 1 entries, the first of which belongs to the class token.

    A table that already has as many entries as the model wants is left alone, so that genuine grids of 2, 5,
    10 ... tokens stay whole.
    """
    table = flat.get("pos_embedding")
    if table is None or table.ndim != 3 or wanted.get("pos_embedding") == table.shape:
        return flat
    side = int(np.sqrt(table.shape[1]))
    if side**2 + 1 != table.shape[1]:
        return flat
    flat = flat | {"pos_embedding": table[:, 1:]}
    if "cls" in flat:
        flat["cls"] = summed("cls", flat["cls"], table[:, :1])
    return flat


def summed(name: str, leaf: Leaf, more: Leaf) -> Leaf:
    """A parameter that an older file holds as two arrays, whose sum it is.

    Raises:
        DataError: their shapes differ.
    """
    if leaf.shape != more.shape:
        raise DataError(f"the two parts of `{name}` have shapes {list(leaf.shape)} and {list(more.shape)}")
    return leaf + more


def inline_map_head(flat: Flat, wanted: Shapes) -> Flat:
    """Move an attention pooling head that lies at the top into `MAPHead_0`."""
    if "probe" not in flat:
        return flat
    parts = ("probe", "MlpBlock_0", "MultiHeadDotProductAttention_0", "LayerNorm_0")
    return moved({part: f"MAPHead_0/{part}" for part in parts})(flat, wanted)


def unstack(flat: Flat, stacking: Stacking) -> Flat:
    """Split stacked layers into `NAME_0`, `NAME_1`, ...

    Raises:
        DataError: the layers of the file differ in number.
    """
    prefix = f"{stacking.name}/"
    found = {name: leaf for name, leaf in flat.items() if name.startswith(prefix)}
    depths = {leaf.shape[stacking.axis] if leaf.ndim > stacking.axis else 0 for leaf in found.values()}
    if len(depths) > 1 or 0 in depths:
        raise DataError(f"the stacked layers below `{stacking.name}` do not agree on their number")
    single = {name: leaf for name, leaf in flat.items() if name not in found}
    for name, leaf in found.items():
        for layer, part in enumerate(np.moveaxis(leaf, stacking.axis, 0)):
            single[f"{stacking.name}{stacking.separator}{layer}/{name.removeprefix(prefix)}"] = part
    return single


def restack(flat: Flat, stacking: Stacking) -> Flat:
    """The reverse of `unstack`: layers stacked on an axis, as big_vision's `scan` keeps them."""
    pattern = re.compile(rf"{re.escape(stacking.name)}{re.escape(stacking.separator)}(\d+)/(.*)")
    stacked: dict[str, dict[int, np.ndarray]] = {}
    rest: Flat = {}
    for name, leaf in flat.items():
        if found := pattern.fullmatch(name):
            stacked.setdefault(f"{stacking.name}/{found[2]}", {})[int(found[1])] = leaf
        else:
            rest[name] = leaf
    return rest | {
        name: np.stack([leaves[layer] for layer in sorted(leaves)], stacking.axis)
        for name, leaves in stacked.items()
    }
