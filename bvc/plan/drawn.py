"""Raw examples for a plan, drawn from the types of their features: no data is touched.

Encoded images are JPEGs like ImageNet's, of 500 x 375 pixels; all else is as the source `generated` draws it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL.Image
import simplejpeg
from jaxtyping import UInt8

from bvc.component import registry
from bvc.component.feature import Feature, Features

HEIGHT, WIDTH = 375, 500
"""Pixels of an image whose size is not known; the mean of ImageNet is about that."""
QUALITY = 90
BASED_ON = (
    f"drawn examples; images whose size is not known are JPEGs of {WIDTH}x{HEIGHT} pixels, quality {QUALITY}"
)

_SCALES = (2, 5, 12, 30)
"""Cells along a side of the smooth fields that a picture is the sum of."""


def drawn(features: Features, count: int) -> list[Mapping[str, Any]]:
    """`count` raw examples with these features, the same each time.

    Args:
        features: of a raw example.
        count: how many.
    """
    component = registry.find("source", "generated")
    assert component is not None
    like = {name: _sized(feature) for name, feature in features.items() if not _is_file(feature)}
    records = component.target(like=like, examples=count).open("train", "")
    return [
        {name: photo(number) if _is_file(feature) else values[name] for name, feature in features.items()}
        for number, values in enumerate(records[at] for at in range(count))
    ]


@functools.cache
def photo(number: int) -> bytes:
    """A JPEG file as large as that of a photograph, about 80 KB: smooth fields of several scales, and noise."""
    rng = np.random.default_rng(number)
    fields = [rng.normal(128, 400 / cells, (cells, cells, 3)).clip(0, 255) for cells in _SCALES]
    grown = [_resized(field.astype(np.uint8), HEIGHT // 8, WIDTH // 8) for field in fields]
    smooth = _resized(np.mean(grown, axis=0).astype(np.uint8), HEIGHT, WIDTH)
    noise = np.frombuffer(rng.bytes(smooth.size), np.uint8).reshape(smooth.shape)
    return simplejpeg.encode_jpeg(smooth // 5 * 4 + noise // 5, quality=QUALITY, colorsubsampling="420")


def _resized(pixels: UInt8[np.ndarray, "h w 3"], height: int, width: int) -> UInt8[np.ndarray, "H W 3"]:
    return np.asarray(PIL.Image.fromarray(pixels).resize((width, height), PIL.Image.Resampling.BICUBIC))


def _is_file(feature: Feature) -> bool:
    return feature.dtype == "bytes" and not feature.shape


def _sized(feature: Feature) -> str:
    """The type, with sizes for the two dims of an image."""
    free = [dim for dim in feature.shape if isinstance(dim, str)]
    if len(free) != 2:
        return str(feature)
    sizes = dict(zip(free, (HEIGHT, WIDTH), strict=True))
    return str(Feature(feature.dtype, tuple(sizes.get(str(dim), dim) for dim in feature.shape)))
