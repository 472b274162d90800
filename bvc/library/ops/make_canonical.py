"""Number instances by where they are."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Int

from bvc.component import component


@component("op")
class MakeCanonical:
    """Renumber the instances of the last channel from 1, by their centres of mass (big_vision, uvim/pp_ops.py).

    0 stays 0, everything negative becomes -1.

    Settings:
        random: number them at random instead
        main_sort_axis: compare the centres' y first, or their x
    """

    def __init__(self, random: bool = False, main_sort_axis: Literal["y", "x"] = "y") -> None:
        self.random = random
        self.main = main_sort_axis

    def __call__(
        self, labels: Int[np.ndarray, "h w c"], rng: np.random.Generator
    ) -> Int[np.ndarray, "h w c"]:
        """The labels, renumbered."""
        instances = labels[..., -1]
        ids, inverse = np.unique(instances, return_inverse=True)
        positive = np.flatnonzero(ids > 0)
        numbers = np.where(ids < 0, -1, 0)
        if self.random:
            numbers[positive] = rng.permutation(len(positive)) + 1
        else:
            order = np.argsort(self._keys(instances, inverse, len(ids))[positive], kind="stable")
            numbers[positive[order]] = np.arange(1, len(positive) + 1)
        renumbered = labels.copy()
        renumbered[..., -1] = numbers[inverse].reshape(instances.shape)
        return renumbered

    def _keys(self, instances: np.ndarray, inverse: np.ndarray, count: int) -> np.ndarray:
        """Main coordinate of the centre times the image's length along it, plus the other coordinate."""
        height, width = instances.shape
        flat = inverse.reshape(-1)
        pixels = np.bincount(flat, minlength=count)
        rows, columns = np.divmod(np.arange(flat.size), width)
        y = np.bincount(flat, rows, count) / pixels
        x = np.bincount(flat, columns, count) / pixels
        return y * height + x if self.main == "y" else x * width + y
