"""The upper rows of JPEGs of every subsampling."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from bvc.component import DataError
from bvc.library.imaging.decode import decode_image
from bvc.library.imaging.jpeg_rows import first_rows

PIXELS = np.random.default_rng(0).integers(0, 256, (150, 70, 3), np.uint8)
SUBSAMPLINGS = ("444", "422", "420", "440", "411", "Gray")


def jpeg(**options: Any) -> bytes:
    """The pixels, as Pillow writes them."""
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(file, "JPEG", **options)
    return file.getvalue()


BY_SUBSAMPLING = {
    kind: simplejpeg.encode_jpeg(PIXELS, 90, "RGB", kind, fastdct=False) for kind in SUBSAMPLINGS
}


@given(st.sampled_from(SUBSAMPLINGS), st.integers(1, 150), st.sampled_from([1, 3]), st.booleans())
def test_rows_have_the_bits_of_the_whole(kind: str, rows: int, channels: int, precise: bool) -> None:
    data = BY_SUBSAMPLING[kind]
    upper = decode_image(data, channels, precise, rows)
    assert rows <= len(upper) <= 150
    assert np.array_equal(upper[:rows], decode_image(data, channels, precise)[:rows])


@pytest.mark.parametrize(
    "options", [{"optimize": True}, {"restart_marker_rows": 1}, {"exif": b"Exif\0\0" + b"\xff\xc0" * 9}]
)
def test_fewer_rows_are_decoded(options: dict[str, Any]) -> None:
    data = jpeg(**options)
    upper = decode_image(data, rows=20)
    assert len(upper) < 30
    assert np.array_equal(upper[:20], decode_image(data)[:20])


@pytest.mark.parametrize(
    "data",
    [
        jpeg(progressive=True),
        jpeg()[:-2],
        jpeg() + b"\0",
        b"",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xc0\0\x03\x08\xff\xd9",
    ],
    ids=["progressive", "no end", "more behind", "empty", "nothing", "short frame"],
)
def test_what_cannot_be_shortened(data: bytes) -> None:
    assert first_rows(data, 8) is None


def test_a_scan_per_colour_is_decoded_whole() -> None:
    data = bytearray(jpeg())
    data[data.index(b"\xff\xda") + 4] = 1
    assert first_rows(bytes(data), 8) is None


def test_truncation_is_told() -> None:
    with pytest.raises(DataError):
        decode_image(jpeg()[:-300], rows=8)
