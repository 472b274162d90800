"""Class ids as a vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Int

from bvc.component import DataError, Feature, component
from bvc.component.annotation import Count


@component("op")
class Onehot:
    """One class id, or several, as a vector of `depth` values (big_vision/pp/ops_general.py).

    Of several ids that make one vector, one out of range is an error.

    Settings:
        depth: number of classes
        multi: several ids make one multi-hot vector; false: one vector each
        on: value of a class that is present
        off: value of all others
        outside: what a single id out of range is, such as the -1 of examples without a label: a vector of `off`, or an
            error that names the record
    """

    def __init__(
        self,
        depth: Count,
        *,
        multi: bool = True,
        on: float = 1.0,
        off: float = 0.0,
        outside: Literal["off", "error"] = "off",
    ) -> None:
        self.depth = depth
        self.multi = multi
        self.on, self.off = np.float32(on), np.float32(off)
        self.strict = outside == "error"

    def __call__(
        self, labels: Int[np.ndarray, ""] | Int[np.ndarray, "n"]
    ) -> Float32[np.ndarray, "*rows {self.depth}"]:
        """The vector."""
        if self.strict or (labels.ndim and self.multi):
            self._check(labels)
        if labels.ndim and self.multi:
            return self._multi_hot(labels)
        return np.where(labels[..., None] == np.arange(self.depth), self.on, self.off)

    @property
    def on_device(self) -> Callable[[Int[Any, "*dims"]], Float32[Any, "*dims depth"]] | None:
        """One vector for each id, of an array on a device; None where ids are to be looked at."""
        return None if self.strict else self._vectors

    def _vectors(self, labels: Int[Any, "*dims"]) -> Float32[Any, "*dims {self.depth}"]:
        import jax.numpy as jnp

        return jnp.where(labels[..., None] == np.arange(self.depth), self.on, self.off)

    def typed(self, labels: Feature) -> Feature:
        """One vector, or one for each id."""
        return Feature("float32", (self.depth,) if self.multi else (*labels.shape, self.depth))

    def _multi_hot(self, ids: Int[np.ndarray, "n"]) -> Float32[np.ndarray, "{self.depth}"]:
        hot = np.full(self.depth, self.off, np.float32)
        hot[ids] = self.on
        return hot

    def _check(self, ids: Int[np.ndarray, "*dims"]) -> None:
        wrong = ids[(ids < 0) | (ids >= self.depth)]
        if wrong.size:
            raise DataError(f"class id {wrong[0]} is outside 0 to {self.depth - 1}")
