"""From the bytes of an encoded image to pixels: libjpeg-turbo where it is a JPEG, Pillow for all else."""

from __future__ import annotations

import io
import warnings

import numpy as np
import PIL.Image
import simplejpeg
from jaxtyping import UInt8

from bvc.component import DataError
from bvc.library.imaging.jpeg_rows import first_rows

MOST_PIXELS = 1 << 28
"""Images beyond this are refused before any memory is taken: 16384 x 16384."""

_JPEG = b"\xff\xd8"

_GRAY = np.array([9798, 19235, 3735], np.int64)
"""Weights of red, green and blue, of 2**15, as libpng and libjpeg weigh them."""


def decode_image(
    data: bytes, channels: int = 3, precise: bool = False, rows: int | None = None
) -> UInt8[np.ndarray, "h w c"]:
    """Pixels of a JPEG, PNG, GIF (first frame), BMP, WebP or whatever else Pillow opens.

    EXIF orientation is ignored, alpha is dropped without blending, 16-bit gray keeps its high byte, gray becomes
    three equal channels if three are asked for.

    Args:
        data: the encoded file.
        channels: 1, 3, or 4 for alpha too.
        precise: the accurate integer DCT, bit-equal to Pillow's, instead of the fast one.
        rows: how many rows from the top are wanted; None: all. There may be more of them than that, which mean
            nothing, and damage to those is not noticed.

    Raises:
        DataError: the bytes are no image that can be decoded, or it is larger than `MOST_PIXELS`.
    """
    if data[:2] == _JPEG and channels != 4:
        upper = first_rows(data, rows) if rows is not None else None
        decoded = _jpeg(upper or data, channels, precise, strict=upper is None)
        if decoded is not None:
            return decoded
    return _pillow(data, channels)


def image_size(data: bytes) -> tuple[int, int]:
    """Height and width of an encoded image, from its header.

    Raises:
        DataError: the bytes are no image.
    """
    if data[:2] == _JPEG:
        try:
            height, width, _, _ = simplejpeg.decode_jpeg_header(data)
            _check_size(int(height), int(width))
            return int(height), int(width)
        except ValueError:
            pass  # what libjpeg-turbo refuses may still be an image to Pillow, or it says why not
    with _opened(data) as image:
        return image.height, image.width


def _jpeg(data: bytes, channels: int, precise: bool, strict: bool) -> UInt8[np.ndarray, "h w c"] | None:
    """None where libjpeg-turbo refuses the file or cannot give it as RGB or gray (CMYK, broken ends)."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        _check_size(int(height), int(width))
        if colours not in ("RGB", "YCbCr", "Gray", "YCC", "GRAY"):
            return None
        return simplejpeg.decode_jpeg(
            data,
            "RGB" if channels == 3 else "GRAY",
            fastdct=not precise,
            fastupsample=False,
            strict=strict,
        )
    except ValueError:
        return None


def _pillow(data: bytes, channels: int) -> UInt8[np.ndarray, "h w c"]:
    with _opened(data) as image:
        try:
            image.load()
        except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
            raise DataError(f"an image that breaks off or is damaged: {error}") from error
        if image.mode.startswith("I;16") or image.mode == "I":
            gray = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            return np.repeat(gray[..., None], channels, axis=2)
        pixels = np.asarray(image.convert("RGBA") if channels == 4 else _coloured(image))
    return (pixels.astype(np.int64) @ _GRAY >> 15).astype(np.uint8)[..., None] if channels == 1 else pixels


def _coloured(image: PIL.Image.Image) -> PIL.Image.Image:
    """As RGB; where there is alpha the colours stay as they are stored."""
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "RGBa", "LA"):
        return PIL.Image.merge("RGB", [image.getchannel(0 if image.mode == "LA" else c) for c in (0, 1, 2)])
    return image.convert("RGB")


def _opened(data: bytes) -> PIL.Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            image = PIL.Image.open(io.BytesIO(data))
    except PIL.UnidentifiedImageError as error:
        kind = f"{len(data)} bytes that are no image" if data else "an empty file"
        raise DataError(kind) from error
    except PIL.Image.DecompressionBombError as error:
        raise DataError(f"an image of more pixels than are decoded: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{len(data)} bytes that are no image: {error}") from error
    _check_size(image.height, image.width)
    return image


def _check_size(height: int, width: int) -> None:
    if height * width > MOST_PIXELS:
        raise DataError(
            f"an image of {height} x {width} pixels, more than the {MOST_PIXELS} that are decoded"
        )
