"""Join features along a dim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bvc.component import Feature, PortError, SettingError, component


@component("op")
class Concat:
    """Join features along one of their dims (big_vision/pp/ops_general.py).

    Settings:
        inkeys: names of the features
        to: feature to write; absent: the first of them
        axis: the dim, counted from the end where negative
    """

    def __init__(self, inkeys: tuple[str, ...], to: str | None = None, axis: int = -1) -> None:
        if not inkeys:
            raise SettingError("inkeys", "names no feature")
        self.read = inkeys
        self.to = to or inkeys[0]
        self.axis = axis

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the joined feature."""
        return {**example, self.to: np.concatenate([example[name] for name in self.read], self.axis)}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The dim is the sum, where all are known."""
        for name in self.read:
            if name not in example:
                raise PortError(name, "is not there")
        parts = [example[name] for name in self.read]
        first = parts[0]
        if not -len(first.shape) <= self.axis < len(first.shape):
            raise PortError(self.read[0], f"has no dim {self.axis}: {first}")
        for name, part in zip(self.read, parts, strict=True):
            if part.dtype != first.dtype or len(part.shape) != len(first.shape):
                raise PortError(name, f"does not join with `{self.read[0]}`: {part} and {first}")
        sizes = [part.shape[self.axis] for part in parts]
        numbers = [size for size in sizes if isinstance(size, int)]
        shape = list(first.shape)
        shape[self.axis] = (
            sum(numbers) if len(numbers) == len(sizes) else "+".join(str(size) for size in sizes)
        )
        return {**example, self.to: Feature(first.dtype, tuple(shape))}
