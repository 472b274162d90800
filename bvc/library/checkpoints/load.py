"""From a published file to the parameters of a model, with an account of everything in both."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax
import numpy as np

from bvc.component import DataError
from bvc.component.names import Parameter, parameters
from bvc.library.checkpoints import huggingface
from bvc.library.checkpoints.archive import read
from bvc.library.checkpoints.naming import Flat, Leaf, Naming, Shapes, naming_of
from bvc.library.checkpoints.repairs import unstack

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of each parameter of the model and of each array of the file.

    Attributes:
        source: the address that was read.
        matched: public name -> name in the file (after repair of older layouts).
        resized: public name -> shape in the file, where it differed.
        converted: public name -> dtype in the file, where it differed.
        left_at_init: parameters that keep their initial value, because they were told to.
        left_over: arrays of the file that nothing took: they were told not to be loaded, or belong to its
            pre-training.
    """

    source: str
    matched: Mapping[str, str]
    resized: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    converted: Mapping[str, str] = field(default_factory=dict[str, str])
    left_at_init: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.source}: {_count(len(self.matched), 'parameter')} loaded"]
        lines += [f"  resized {name} from {list(shape)}" for name, shape in self.resized.items()]
        lines += [
            f"  converted {count} from {dtype}" for dtype, count in Counter(self.converted.values()).items()
        ]
        lines += [f"  left at its initial value: {name}" for name in self.left_at_init]
        lines += [f"  left in the file: {name}" for name in self.left_over]
        return "\n".join(lines)


def load_parameters(model: Any, path: str, *, skip: Sequence[str] = ()) -> tuple[dict[str, Leaf], LoadReport]:
    """The parameters of `model` from a file of big_vision or Hugging Face.

    Args:
        model: the module (arrays or ShapeDtypeStructs); its `naming` says how files name its parameters.
        path: `FILE`, or `FILE:sub/tree` for the part of the file below a name.
        skip: patterns of public names (full match): parameters that keep their initial value, and arrays of
            the file that are not wanted.

    Returns:
        Public name -> array of the model's shape and dtype, for every parameter that is not skipped; and the
        account.

    Raises:
        DataError: the file cannot be read; a parameter is missing in it, or an array in it has no parameter, and
            no pattern says so; shapes or dtypes don't fit; a pattern matches nothing.
    """
    naming = naming_of(model)
    owned = {found.name: found for found in parameters(model)}
    published = {naming.published(name): found for name, found in owned.items()}
    flat, besides = _today(read(path), naming, {name: found.shape for name, found in published.items()})
    skipped = _skipped(skip, {*owned, *(naming.public(name) for name in flat)}, path)

    missing = [
        found.name for name, found in published.items() if name not in flat and found.name not in skipped
    ]
    extra = [name for name in flat if name not in published and naming.public(name) not in skipped]
    if missing or extra:
        raise _unexplained(path, missing, extra, published, flat)

    matched, values, resized, converted = {}, {}, {}, {}
    for name, found in published.items():
        if found.name in skipped:
            continue
        leaf = flat[name]
        matched[found.name] = name
        if leaf.shape != found.shape:
            resized[found.name] = leaf.shape
            leaf = _resize(leaf, name, found, naming, path)
        if leaf.dtype.name != found.dtype:
            converted[found.name] = leaf.dtype.name
            leaf = _convert(leaf, found, path)
        values[found.name] = leaf
    report = LoadReport(
        path,
        matched,
        resized,
        converted,
        left_at_init=tuple(name for name in owned if name in skipped),
        left_over=besides + tuple(name for name in flat if naming.public(name) in skipped),
    )
    return values, report


def with_parameters(model: T, values: Mapping[str, Leaf]) -> T:
    """`model` with these values for the parameters that they name; the others stay as they are.

    Where only some layers of a stack are named, its array stays where it lies: each process replaces what it holds.

    Raises:
        KeyError: a layer without a value belongs to a ShapeDtypeStruct, which has none of its own.
    """
    leaves, structure = jax.tree.flatten(model)
    layers: dict[int, dict[int, Leaf]] = {}
    for found in parameters(model):
        if found.layer is None:
            leaves[found.leaf] = values.get(found.name, leaves[found.leaf])
        elif found.name in values:
            layers.setdefault(found.leaf, {})[found.layer] = values[found.name]
    for leaf, named in layers.items():
        depth = leaves[leaf].shape[0]
        if len(named) < depth and isinstance(leaves[leaf], jax.Array):
            leaves[leaf] = _with_layers(leaves[leaf], named)
        else:
            own = leaves[leaf] if len(named) < depth else named
            leaves[leaf] = np.stack([named.get(layer, own[layer]) for layer in range(depth)])
    return jax.tree.unflatten(structure, leaves)


def _with_layers(stacked: jax.Array, named: Mapping[int, Leaf]) -> jax.Array:
    def part(at: tuple[slice, ...] | None) -> np.ndarray:
        assert at is not None
        held = np.array(next(shard.data for shard in stacked.addressable_shards if shard.index == at))
        for row, layer in enumerate(range(*at[0].indices(stacked.shape[0]))):
            if layer in named:
                held[row] = np.asarray(named[layer])[at[1:]]
        return held

    return jax.make_array_from_callback(stacked.shape, stacked.sharding, part)


def _today(flat: Flat, naming: Naming, wanted: Shapes) -> tuple[Flat, tuple[str, ...]]:
    """The content of a file under big_vision's names of today, layer by layer; and what never is of interest."""
    besides: tuple[str, ...] = ()
    foreign = huggingface.recognized(flat, naming)
    if foreign is not None:
        flat, besides = huggingface.published(flat, naming, foreign, wanted)
    for repair in naming.repairs:
        flat = repair(flat, wanted)
    for stacking in naming.stacks:
        flat = unstack(flat, stacking)
    return flat, besides


def _skipped(patterns: Sequence[str], names: Iterable[str], path: str) -> set[str]:
    names = list(names)
    skipped: set[str] = set()
    for pattern in patterns:
        try:
            found = {name for name in names if re.fullmatch(pattern, name)}
        except re.error as error:
            raise DataError(f"`init_skip` holds no valid pattern: {pattern!r} ({error})") from error
        if not found:
            raise DataError(
                f"`init_skip` pattern {pattern!r} matches neither a parameter nor anything in the checkpoint",
                path,
                help=_nearest(pattern, names),
            )
        skipped |= found
    return skipped


def _resize(leaf: Leaf, name: str, wanted: Parameter, naming: Naming, path: str) -> Leaf:
    if name not in naming.resizes:
        raise DataError(
            f"`{wanted.name}` has shape {list(wanted.shape)} in the model, but {list(leaf.shape)} in the checkpoint",
            path,
            help=f"change the model's settings, or leave it at its initial value: init_skip = ['{wanted.name}']",
        )
    return naming.resizes[name](leaf, wanted.shape)


def _convert(leaf: Leaf, wanted: Parameter, path: str) -> Leaf:
    if leaf.dtype.kind not in "fV" and leaf.dtype.name != "bfloat16":
        raise DataError(f"`{wanted.name}` is {wanted.dtype}, but {leaf.dtype.name} in the checkpoint", path)
    return leaf.astype(np.dtype(wanted.dtype))


def _unexplained(
    path: str, missing: list[str], extra: list[str], published: Mapping[str, Parameter], flat: Flat
) -> DataError:
    parts = []
    if missing:
        parts.append(
            f"the checkpoint lacks {_count(len(missing), 'parameter')} of the model: {_some(missing)}"
        )
    if extra:
        parts.append(f"no parameter takes {_count(len(extra), 'array')} of the checkpoint: {_some(extra)}")
    if missing:
        wanted = next(name for name, found in published.items() if found.name == missing[0])
        near = _nearest(wanted, flat)
        help = f"`{missing[0]}` is read from `{wanted}`; {near}" if near else None
    else:
        help = _nearest(extra[0], published)
    skip = "`init_skip` names what is not to be loaded"
    return DataError("; ".join(parts), path, help=f"{help}; {skip}" if help else skip)


def _some(names: Sequence[str], most: int = 4) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown}, and {len(names) - most} more"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"the nearest names are {_some(close)}" if close else None
