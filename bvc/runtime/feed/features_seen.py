"""Features of examples whose source does not say them: read off every example."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from bvc.component.error import DataError
from bvc.component.feature import Dim, Feature, Features
from bvc.component.source import Records
from bvc.runtime.feed.batches import where

_NUMBERS = {"int64", "float32"}
_EMPTY = Feature("empty", (0,))
"""A list without values, which does not say of what."""
_EMPTY_IS = Feature("float32", (0,))
"""What it is where no example says more."""


def features_seen(records: Records, files: Collection[str] = ()) -> Features:
    """The types that all examples have in common: a dim that differs between examples gets a name.

    Whole numbers and others in one feature are float32.

    Args:
        records: the examples; each is read.
        files: features that are bytes, whatever they look like.

    Raises:
        DataError: an example lacks a feature that others have, or has it in another form.
    """
    found: dict[str, Feature] = {}
    for number in range(len(records)):
        example = records[number]
        if number and example.keys() != found.keys():
            odd = sorted(example.keys() ^ found.keys())[0]
            does = "has" if odd in example else "lacks"
            raise DataError(f"an example that {does} `{odd}`, unlike those before it", where(records, number))
        for name, value in example.items():
            seen = Feature("bytes") if name in files else _of(value, name)
            before = found.get(name, seen)
            joined = _joined(before, seen, name)
            if joined is None:
                what = f"feature `{name}` as {seen}, which before was {before}"
                raise DataError(what, where(records, number))
            found[name] = joined
    return {name: _EMPTY_IS if feature == _EMPTY else feature for name, feature in found.items()}


def _of(value: Any, name: str) -> Feature:
    if isinstance(value, bytes | str):
        return Feature(type(value).__name__)
    if np.size(value) == 0:
        return _EMPTY
    if isinstance(value, list):
        return Feature("str", (f"{name}_n",))
    array = np.asarray(value)
    return Feature(array.dtype.name, array.shape)


def _joined(one: Feature, other: Feature, name: str) -> Feature | None:
    """The type that holds both; None where there is none."""
    if _EMPTY in (one, other):
        kept = one if other == _EMPTY else other
        if kept == _EMPTY:
            return kept
        return Feature(kept.dtype, (f"{name}_n", *kept.shape[1:])) if kept.shape else None
    dtypes = {one.dtype, other.dtype}
    if len(one.shape) != len(other.shape) or (len(dtypes) > 1 and dtypes != _NUMBERS):
        return None
    shape: list[Dim] = [
        mine if mine == its else f"{name}_{at}" if at else f"{name}_n"
        for at, (mine, its) in enumerate(zip(one.shape, other.shape, strict=True))
    ]
    return Feature("float32" if len(dtypes) > 1 else one.dtype, tuple(shape))
