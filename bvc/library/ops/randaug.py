"""RandAugment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from bvc.component import component
from bvc.component.annotation import Count, NonNegative
from bvc.library.imaging import randaug as pixels

Image = UInt8[np.ndarray, "h w c"]


def _signed(rng: np.random.Generator, value: float) -> float:
    return value if rng.random() >= 0.5 else -value


def cutout(image: Image, half: int, rng: np.random.Generator) -> Image:
    """Fill a square of twice `half`, whose centre is anywhere in the image."""
    return pixels.cutout(image, half, (int(rng.integers(image.shape[0])), int(rng.integers(image.shape[1]))))


def translate_x(image: Image, most: float, rng: np.random.Generator) -> Image:
    """Move by `most` pixels to the left or to the right."""
    return pixels.translate_x(image, _signed(rng, most))


def translate_y(image: Image, most: float, rng: np.random.Generator) -> Image:
    """Move by `most` pixels up or down."""
    return pixels.translate_y(image, _signed(rng, most))


OPERATIONS: dict[str, Callable[[Image, float, np.random.Generator], Image]] = {
    "AutoContrast": lambda image, m, rng: pixels.autocontrast(image),
    "Equalize": lambda image, m, rng: pixels.equalize(image),
    "Invert": lambda image, m, rng: pixels.invert(image),
    "Rotate": lambda image, m, rng: pixels.rotate(image, _signed(rng, 3.0 * m)),
    "Posterize": lambda image, m, rng: pixels.posterize(image, int(m / 10 * 4)),
    "Solarize": lambda image, m, rng: pixels.solarize(image, int(m / 10 * 256)),
    "Color": lambda image, m, rng: pixels.color(image, m / 10 * 1.8 + 0.1),
    "Contrast": lambda image, m, rng: pixels.contrast(image, m / 10 * 1.8 + 0.1),
    "Brightness": lambda image, m, rng: pixels.brightness(image, m / 10 * 1.8 + 0.1),
    "Sharpness": lambda image, m, rng: pixels.sharpness(image, m / 10 * 1.8 + 0.1),
    "ShearX": lambda image, m, rng: pixels.shear_x(image, _signed(rng, m / 10 * 0.3)),
    "ShearY": lambda image, m, rng: pixels.shear_y(image, _signed(rng, m / 10 * 0.3)),
    "TranslateX": lambda image, m, rng: translate_x(image, m / 10 * 100, rng),
    "TranslateY": lambda image, m, rng: translate_y(image, m / 10 * 100, rng),
    "Cutout": lambda image, m, rng: cutout(image, int(4 * m), rng),
    "SolarizeAdd": lambda image, m, rng: pixels.solarize_add(image, int(m / 10 * 110)),
}
"""Name -> the operation at magnitude m, in the order of big_vision's list."""

_NAMES = tuple(OPERATIONS)


@component("op")
def randaug(
    image: UInt8[np.ndarray, "h w 3"],
    rng: np.random.Generator,
    num_layers: Count = 2,
    magnitude: NonNegative = 10.0,
) -> UInt8[np.ndarray, "h w 3"]:
    """RandAugment (arXiv:1909.13719; big_vision/pp/archive/randaug.py).

    Operations are drawn with replacement, uniformly over 16, and always applied.

    Settings:
        num_layers: operations in a row
        magnitude: strength of every operation, 0 to 30
    """
    for _ in range(num_layers):
        image = OPERATIONS[_NAMES[int(rng.integers(len(_NAMES)))]](image, magnitude, rng)
    return image
