"""Sizes of images as specs give them, and as ops compute them."""

from __future__ import annotations

import numpy as np

from bvc.component import DataError, SettingError
from bvc.component.annotation import Count

Size = Count | tuple[Count, Count]
"""A side in pixels, or [height, width]."""


def height_and_width(size: Size) -> tuple[int, int]:
    """Both sides."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def scaled(height: int, width: int, target: int, side: int) -> tuple[int, int]:
    """Height and width times `target / side`, in float32, rounded half to even."""
    factor = np.float32(target) / np.float32(side)
    return int(np.rint(np.float32(height) * factor)), int(np.rint(np.float32(width) * factor))


def check_fits(crop: tuple[int, int], height: int, width: int) -> None:
    """Raise `DataError` if the crop is larger than the image."""
    if crop[0] > height or crop[1] > width:
        raise DataError(
            f"an image of {height} x {width} pixels is smaller than the crop of {crop[0]} x {crop[1]}"
        )


def check_range(name: str, low: float, high: float, least: float, most: float) -> None:
    """Raise `SettingError` unless least <= low <= high <= most."""
    if not least <= low <= high <= most:
        raise SettingError(
            name,
            f"is no range within {least:g} to {most:g}: [{low:g}, {high:g}]",
            "give the smaller end first",
        )
