"""Crop several images by one window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bvc.component import Feature, PortError, component


@component("op")
class CropBox:
    """Crop images by a window relative to their size, which `inception_box` wrote (big_vision, uvim/pp_ops.py).

    Begin and size are multiplied by the image's size and truncated each for itself, which may lose a pixel.

    Settings:
        names: the images
        boxkey: the window
    """

    def __init__(self, *names: str, boxkey: str = "box") -> None:
        self.names = names or ("image",)
        self.box = boxkey

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the images cropped."""
        return {**example, **{name: _crop(example[name], example[self.box]) for name in self.names}}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The sizes are not known before."""
        for name in (self.box, *self.names):
            if name not in example:
                raise PortError(name, "is not there")
        images = {name: example[name] for name in self.names}
        for name, image in images.items():
            if len(image.shape) != 3:
                raise PortError(name, f"is no image: {image}")
        cropped = {
            name: Feature(image.dtype, ("box_h", "box_w", image.shape[2])) for name, image in images.items()
        }
        return {**example, **cropped}


def _crop(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    size = np.array(image.shape[:2], np.float32)
    top, left = (np.asarray(box[0], np.float32) * size).astype(np.int64).tolist()
    height, width = (np.asarray(box[1], np.float32) * size).astype(np.int64).tolist()
    return image[top : top + height, left : left + width]
