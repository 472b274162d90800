"""Decoding less than the whole image changes no pixel of the window."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest

from bvc.library.ops.decode import decode
from bvc.library.ops.decode_jpeg_and_inception_crop import DecodeJpegAndInceptionCrop
from bvc.library.ops.inception_crop import InceptionCrop

PIXELS = np.random.default_rng(0).integers(0, 256, (120, 90, 3), np.uint8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [None, 24])
def test_it_is_both_ops_in_one(kind: str, size: int | None) -> None:
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, kind)
    one, crop = DecodeJpegAndInceptionCrop(size), InceptionCrop(size)
    for seed in range(20):
        joined = one(file.getvalue(), np.random.default_rng(seed))
        apart = crop(decode(file.getvalue()), np.random.default_rng(seed))
        assert np.array_equal(joined, apart)
