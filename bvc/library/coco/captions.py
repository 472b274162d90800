"""COCO's captions, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bvc.component import DataError


def read_captions(file: str) -> dict[int, list[str]]:
    """Number of an image -> its captions (https://cocodataset.org/#format-data).

    Raises:
        DataError: the file cannot be read, or holds no captions.
    """
    try:
        with open(file, encoding="utf-8") as opened:
            table = json.load(opened)
        found: dict[int, list[str]] = {}
        for each in table["annotations"]:
            found.setdefault(each["image_id"], []).append(str(each["caption"]))
    except (OSError, ValueError) as error:
        raise DataError(f"captions that cannot be read: {error}", file) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("a file that holds no captions", file, _FORMAT) from error
    if not found:
        raise DataError("a file that holds no captions", file, _FORMAT)
    return found


def write_captions(captions: Mapping[int, str]) -> bytes:
    """COCO's form of results, as the evaluation server takes it."""
    return json.dumps([{"image_id": image, "caption": text} for image, text in captions.items()]).encode()


_FORMAT = "COCO's form has `annotations`, each with `image_id` and `caption`"
