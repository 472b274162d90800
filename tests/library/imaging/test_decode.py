"""Images that are odd, broken or too large."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import PIL.Image
import pytest

from bvc.component import DataError
from bvc.library.imaging.decode import decode_image, image_size

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)


def encoded(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """The pixels in this format."""
    file = io.BytesIO()
    PIL.Image.fromarray(PIXELS).convert(mode).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        encoded("JPEG"),
        encoded("JPEG", "CMYK"),
        encoded("JPEG", "L"),
        encoded("PNG", "1"),
        encoded("PNG", "LA"),
        encoded("PNG", "P"),
        encoded("PNG", "RGBA"),
        encoded("TIFF"),
        encoded("GIF", "P", save_all=True, append_images=[PIL.Image.new("P", (36, 24))]),
        encoded("WEBP", lossless=True),
    ],
    ids=lambda data: data[:4].hex(),
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_kind_of_image_is_decoded(data: bytes, channels: int) -> None:
    decoded = decode_image(data, channels)
    assert decoded.shape == (24, 36, channels) and decoded.dtype == np.uint8
    assert image_size(data) == (24, 36)


@pytest.mark.parametrize("bits", [8, 16])
def test_sixteen_bits_keep_the_high_byte(bits: int) -> None:
    values = np.arange(24 * 36, dtype=np.uint16).reshape(24, 36) * 70
    file = io.BytesIO()
    PIL.Image.fromarray(values if bits == 16 else (values >> 8).astype(np.uint8)).save(file, "PNG")
    assert np.array_equal(decode_image(file.getvalue())[..., 0], values >> 8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe0 no image at all",
        b"<html>not found</html>",
        encoded("JPEG")[:-200],
        encoded("JPEG")[:100],
        encoded("PNG")[:300],
        encoded("GIF", "P")[:40],
    ],
    ids=["empty", "start", "jpeg", "html", "cut jpeg", "cut header", "cut png", "cut gif"],
)
def test_broken_files_are_told(data: bytes) -> None:
    with pytest.raises(DataError):
        decode_image(data)


def test_an_image_that_would_fill_the_memory_is_refused() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 200_000, 200_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(DataError, match="more pixels than are decoded"):
        decode_image(bomb)
    huge = bytearray(encoded("JPEG"))
    at = huge.index(b"\xff\xc0")
    huge[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    with pytest.raises(DataError, match="65000 x 65000"):
        decode_image(bytes(huge))
