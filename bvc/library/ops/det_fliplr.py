"""Mirror by a shared random number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvc.component import Feature, PortError, component
from bvc.library.imaging.mirror import mirrored


@component("op")
class DetFliplr:
    """Mirror an image left to right if a feature is above 1/2 (big_vision, uvim/pp_ops.py).

    With a feature that `randu` wrote, several images flip together.

    Settings:
        randkey: the feature that decides
        key_: the image
    """

    def __init__(self, randkey: str = "fliplr", key_: str = "image") -> None:
        self.decides = randkey
        self.image = key_

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the image mirrored or not."""
        image = example[self.image]
        return {**example, self.image: mirrored(image) if example[self.decides] > 0.5 else image}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The image is of the same type."""
        for name in (self.decides, self.image):
            if name not in example:
                raise PortError(name, "is not there")
        if len(example[self.image].shape) != 3:
            raise PortError(self.image, f"is no image: {example[self.image]}")
        return {**example, self.image: Feature(example[self.image].dtype, example[self.image].shape)}
