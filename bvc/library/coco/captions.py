"""COCO's captions by image, and its form of results."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bvc.component import DataError
from bvc.library.coco.tables import read_captions


def captions_by_image(file: str) -> dict[int, list[str]]:
    """Number of an image -> its captions.

    Raises:
        DataError: the file cannot be read, or holds no captions.
    """
    rows = read_captions(file)
    if not rows.starts:
        raise DataError("a file that holds no captions", file)
    return {image: list(rows.texts[rows.of(image)]) for image in rows.starts}


def write_captions(captions: Mapping[int, str]) -> bytes:
    """COCO's form of results, as the evaluation server takes it."""
    return json.dumps([{"image_id": image, "caption": text} for image, text in captions.items()]).encode()
