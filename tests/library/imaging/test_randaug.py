"""Operations of RandAugment on images that are small, flat, or mirrored views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bvc.library.imaging import randaug as pixels
from bvc.library.imaging.mirror import mirrored

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)


@pytest.mark.parametrize(
    ("operation", "of_a_level"),
    [
        (lambda image: pixels.solarize(image, 100), lambda x: x if x < 100 else 255 - x),
        (lambda image: pixels.solarize(image, 256), lambda x: 255 - x),
        (lambda image: pixels.solarize_add(image, 200), lambda x: min(x + 200, 255) if x < 128 else x),
        (lambda image: pixels.solarize_add(image, -300), lambda x: 0 if x < 128 else x),
        (lambda image: pixels.posterize(image, 3), lambda x: x // 32 * 32),
        (lambda image: pixels.posterize(image, 0), lambda x: x // 128 * 128),
        (lambda image: pixels.brightness(image, 1.5), lambda x: min(int(x * 1.5), 255)),
    ],
)
def test_levels(operation: Callable[[Any], Any], of_a_level: Callable[[int], int]) -> None:
    every = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert operation(every).ravel().tolist() == [of_a_level(int(x)) for x in every.ravel()]


def test_contrast_is_stretched_per_channel_and_a_flat_one_stays() -> None:
    image = PIXELS // 2
    image[..., 1] = 77
    stretched = pixels.autocontrast(image)
    assert (stretched[..., 1] == 77).all()
    for channel in (0, 2):
        assert stretched[..., channel].min() == 0 and stretched[..., channel].max() >= 254


def test_a_view_gives_what_its_copy_gives() -> None:
    view = PIXELS[::2, ::-1]
    for operation in (
        pixels.autocontrast,
        pixels.equalize,
        lambda image: pixels.color(image, 1.9),
        lambda image: pixels.sharpness(image, 1.9),
        lambda image: pixels.rotate(image, 30.0),
        lambda image: pixels.translate_x(image, 2.5),
    ):
        assert np.array_equal(operation(view), operation(view.copy()))


def test_mirrored() -> None:
    assert np.array_equal(mirrored(PIXELS), PIXELS[:, ::-1])
    assert mirrored(PIXELS[2:, 3:]).flags["C_CONTIGUOUS"]
