"""Draw some of several values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from bvc.component import DataError, Feature, PortError, SettingError, component
from bvc.component.annotation import Count

Names = str | tuple[str, ...]


@component("op")
class Choice:
    """Draw one, or `n`, of a feature's values without replacement; their order stays (big_vision/pp/ops_general.py).

    Several features of the same length are given together and keep the same values.

    Settings:
        n: "single" for one value without the leading dim, a number, or [least, most] for a random number
        key_: features to draw from and write to
        from_: features to draw from, if not `key`
        to: features to write to, if not those drawn from
        fewer_ok: take all where there are fewer than asked for
    """

    def __init__(
        self,
        n: Literal["single"] | Count | tuple[Count, Count] = "single",
        *,
        key_: Names | None = None,
        from_: Names | None = None,
        to: Names | None = None,
        fewer_ok: bool = False,
    ) -> None:
        read = _listed(from_) or _listed(key_)
        if not read:
            raise SettingError("from", "is missing", "name the feature to draw from: `from='captions'`")
        self.read = read
        self.write = _listed(to) or _listed(key_) or read
        if len(self.write) != len(read):
            raise SettingError("to", f"names {len(self.write)} features, but {len(read)} are drawn from")
        self.n = n
        self.fewer_ok = fewer_ok

    def __call__(self, example: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """The example with the values that were drawn."""
        return self.taken(example, lambda length: self._indices(length, rng))

    def taken(
        self, example: Mapping[str, Any], indices_of: Callable[[int], int | list[int]]
    ) -> dict[str, Any]:
        """The example with those values that `indices_of` names, given how many there are."""
        values = [example[name] for name in self.read]
        length = len(values[0])
        if any(len(value) != length for value in values):
            raise DataError(f"features of different lengths: {[len(value) for value in values]}")
        indices = indices_of(length)
        drawn = {to: _taken(value, indices) for to, value in zip(self.write, values, strict=True)}
        return {**example, **drawn}

    def _indices(self, length: int, rng: np.random.Generator) -> int | list[int]:
        if self.n == "single":
            if not length:
                raise DataError("no value to choose from")
            return int(rng.integers(length))
        if isinstance(self.n, tuple):
            least, most = self.n
            count = int(rng.integers(least, most + 1))
        else:
            count = int(self.n)
        if count > length and not self.fewer_ok:
            raise DataError(f"{count} values to choose from {length}")
        return sorted(rng.permutation(length)[: min(count, length)].tolist())

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The leading dim is gone, is `n`, or is not known."""
        found: dict[str, Feature] = {}
        for read, write in zip(self.read, self.write, strict=True):
            if read not in example:
                raise PortError(read, "is not there")
            if not example[read].shape:
                raise PortError(read, f"holds a single value: {example[read]}")
            rest = example[read].shape[1:]
            counted = (self.n,) if isinstance(self.n, int) and not self.fewer_ok else (f"{read}_chosen",)
            found[write] = Feature(example[read].dtype, rest if self.n == "single" else (*counted, *rest))
        return {**example, **found}


def _listed(names: Names | None) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else names


def _taken(value: Any, indices: int | list[int]) -> Any:
    if isinstance(indices, int):
        return value[indices]
    return [value[index] for index in indices] if isinstance(value, list) else value[np.array(indices, int)]
