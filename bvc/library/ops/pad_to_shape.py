"""Pad an array to a given shape."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Shaped

from bvc.component import DataError, Feature, PortError, component
from bvc.component.annotation import Count


@component("op")
class PadToShape:
    """Pad an array with one value to a given shape (big_vision/pp/ops_general.py).

    Settings:
        shape: sizes of the dims; a dim of `"same"` stays as it is
        pad_value: value of what is added
        where: put what is added behind, before, or on both sides (the smaller half before)
    """

    def __init__(
        self,
        shape: tuple[Count | Literal["same"], ...],
        pad_value: float = 0.0,
        where: Literal["after", "before", "both"] = "after",
    ) -> None:
        self.shape = shape
        self.value = pad_value
        self.where = where

    def __call__(self, image: Shaped[np.ndarray, "*dims"]) -> Shaped[np.ndarray, "..."]:
        """The padded array."""
        if len(self.shape) != image.ndim:
            raise DataError(f"an array of shape {image.shape} where {len(self.shape)} dims are padded")
        widths: list[tuple[int, int]] = []
        for size, wanted in zip(image.shape, self.shape, strict=True):
            missing = 0 if isinstance(wanted, str) else wanted - size
            if missing < 0:
                raise DataError(f"an array of shape {image.shape} that is larger than {self.shape}")
            before = {"after": 0, "before": missing, "both": missing // 2}[self.where]
            widths.append((before, missing - before))
        return np.pad(image, widths, constant_values=np.asarray(self.value, image.dtype))

    def typed(self, image: Feature) -> Feature:
        """Sizes as given."""
        if len(self.shape) != len(image.shape):
            raise PortError(
                "image", f"has {len(image.shape)} dims, but {len(self.shape)} are padded: {image}"
            )
        sizes = tuple(
            old if isinstance(new, str) else new for old, new in zip(image.shape, self.shape, strict=True)
        )
        for old, new in zip(image.shape, sizes, strict=True):
            if isinstance(old, int) and isinstance(new, int) and old > new:
                raise PortError("image", f"is larger than {list(self.shape)}: {image}")
        return Feature(image.dtype, sizes)
