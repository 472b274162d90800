"""Give an array another shape."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Shaped

from bvc.component import DataError, Feature, PortError, SettingError, component
from bvc.component.feature import Dim


@component("op")
class Reshape:
    """Give an array another shape, in row-major order (big_vision/pp/ops_general.py).

    Settings:
        new_shape: sizes of the dims; one may be -1 and takes what is left
    """

    def __init__(self, new_shape: tuple[int, ...]) -> None:
        if new_shape.count(-1) > 1 or any(size < -1 for size in new_shape):
            raise SettingError("new_shape", "has a size that cannot be", "sizes are positive; one may be -1")
        self.shape = new_shape

    def __call__(self, image: Shaped[np.ndarray, "*dims"]) -> Shaped[np.ndarray, "..."]:
        """The array in its new shape."""
        try:
            return image.reshape(self.shape)
        except ValueError as error:
            raise DataError(f"an array of shape {image.shape} that does not fill {self.shape}") from error

    def typed(self, image: Feature) -> Feature:
        """Sizes as given; what -1 stands for follows where the array's size is known."""
        if not image.fixed:
            return Feature(image.dtype, tuple("rest" if size == -1 else size for size in self.shape))
        size = math.prod(dim for dim in image.shape if isinstance(dim, int))
        known = math.prod(dim for dim in self.shape if dim != -1)
        if size % known if -1 in self.shape else size != known:
            raise PortError("image", f"has {size} values, which do not fill {list(self.shape)}")
        shape: tuple[Dim, ...] = tuple(size // known if dim == -1 else dim for dim in self.shape)
        return Feature(image.dtype, shape)
