"""Batches of equal size for evaluation: the last one is padded with zeros and says so in `_mask`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

MASK = "_mask"
"""Feature: this example is one of the data, not padding."""
PARENT = "_parent"
"""Feature: the number of the example that this one was expanded from."""


def expanded(examples: Iterable[Mapping[str, Any]], feature: str) -> Iterator[dict[str, Any]]:
    """One example for each value of `feature`, in order, with the number of the original as `_parent` (i64).
    """
    for number, example in enumerate(examples):
        for value in example[feature]:
            yield {**example, feature: value, PARENT: np.int64(number)}


def padded(
    examples: Iterable[Mapping[str, Any]], batch: int
) -> Iterator[dict[str, Shaped[np.ndarray, "b *dims"]]]:
    """Batches of `batch` examples; what is missing in the last one is zero, and its `_mask` False.

    An example's own `_mask` is kept.
    """
    rows: list[Mapping[str, Any]] = []
    for example in examples:
        rows.append({MASK: np.bool_(True), **example})
        if len(rows) == batch:
            yield _stacked(rows, batch)
            rows = []
    if rows:
        yield _stacked(rows, batch)


def _stacked(rows: list[Mapping[str, Any]], batch: int) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name in rows[0]:
        values = np.stack([np.asarray(row[name]) for row in rows])
        empty = np.zeros((batch - len(rows), *values.shape[1:]), values.dtype)
        found[name] = np.concatenate([values, empty]) if len(empty) else values
    return found
