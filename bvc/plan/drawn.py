"""Raw examples for a plan, drawn from the types of their features: no data is touched.

Encoded images are JPEGs like ImageNet's, of 500 x 375 pixels; all else is as the source `generated` draws it.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL.Image

from bvc.component import registry
from bvc.component.feature import Feature, Features

HEIGHT, WIDTH = 375, 500
"""Pixels of an image whose size is not known; the mean of ImageNet is about that."""
QUALITY = 90
BASED_ON = (
    f"drawn examples; images whose size is not known are JPEGs of {WIDTH}x{HEIGHT} pixels, quality {QUALITY}"
)

_NOISE = 14.0
"""Standard deviation of the pixel noise that gives the files the size that photographs have: about 80 KB."""


def drawn(features: Features, count: int) -> list[Mapping[str, Any]]:
    """`count` raw examples with these features, the same each time.

    Args:
        features: of a raw example.
        count: how many.
    """
    component = registry.find("source", "generated")
    assert component is not None
    like = {name: _sized(feature) for name, feature in features.items()}
    records = component.target(like=like, examples=count).open("train", "")
    return [_with_photos(records[number], number) for number in range(count)]


@functools.cache
def photo(number: int) -> bytes:
    """A JPEG file as large as that of a photograph: smooth fields of several scales, and noise."""
    rng = np.random.default_rng(number)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells in (2, 5, 12, 30):
        field = rng.normal(128, 400 / cells, (cells, cells, 3)).clip(0, 255).astype(np.uint8)
        grown = PIL.Image.fromarray(field).resize((WIDTH, HEIGHT), PIL.Image.Resampling.BICUBIC)
        pixels += np.asarray(grown, np.float32) / 4
    pixels += rng.normal(0, _NOISE, pixels.shape)
    encoded = io.BytesIO()
    PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(encoded, "JPEG", quality=QUALITY)
    return encoded.getvalue()


def _sized(feature: Feature) -> str:
    """The type, with sizes for the two dims of an image."""
    free = [dim for dim in feature.shape if isinstance(dim, str)]
    if len(free) != 2:
        return str(feature)
    sizes = dict(zip(free, (HEIGHT, WIDTH), strict=True))
    return str(Feature(feature.dtype, tuple(sizes.get(str(dim), dim) for dim in feature.shape)))


def _with_photos(example: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    return {name: photo(number) if isinstance(value, bytes) else value for name, value in example.items()}
