"""The name of a class."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from bvc.component import DataError, Feature, InputFile, PortError, component


@component("op")
class ClassName:
    """The name of a class id, or of several (big_vision's `clip_i1k_label_names`, with names from a file of one's own).

    Settings:
        label: feature that holds the id
        names: text file with one name per line, in the order of the ids
        to: feature to write
    """

    def __init__(self, label: str = "label", *, names: InputFile, to: str = "labels") -> None:
        self.label = label
        self.file = names
        self.to = to

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the name."""
        names = _names(self.file)
        ids = np.asarray(example[self.label])
        wrong = ids[(ids < 0) | (ids >= len(names))]
        if wrong.size:
            raise DataError(f"class id {wrong.flat[0]}, but {len(names)} names", self.file)
        return {
            **example,
            self.to: names[int(ids)] if ids.ndim == 0 else [names[one] for one in ids.tolist()],
        }

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """A text, or one for each id."""
        if self.label not in example:
            raise PortError(self.label, "is not there")
        label = example[self.label]
        if not label.dtype.startswith(("int", "uint")) or len(label.shape) > 1:
            raise PortError(self.label, f"is no class id: {label}")
        return {**example, self.to: Feature("str", label.shape)}


@functools.lru_cache(maxsize=8)
def _names(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8") as lines:
            return lines.read().rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"names of classes that cannot be read: {error}", file) from error
