"""Mirror several images together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bvc.component import Feature, PortError, component
from bvc.library.imaging.mirror import mirrored


@component("op")
class RandFlipLr:
    """Mirror images left to right, all or none, with probability 1/2 (big_vision's `randu` and `det_fliplr`, in one).

    Settings:
        names: the images
    """

    def __init__(self, *names: str) -> None:
        self.names = names or ("image",)

    def __call__(self, example: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """The example with the images mirrored or not."""
        if rng.random() < 0.5:
            return dict(example)
        return {**example, **{name: mirrored(example[name]) for name in self.names}}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The images are of the same types."""
        for name in self.names:
            if name not in example:
                raise PortError(name, "is not there")
            if len(example[name].shape) != 3:
                raise PortError(name, f"is no image: {example[name]}")
        return {**example, **{name: Feature(example[name].dtype, example[name].shape) for name in self.names}}
