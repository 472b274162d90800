"""The captions of a COCO example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvc.component import PortError, component


@component("op")
def coco_captions(example: Mapping[str, Any], to: str = "captions") -> dict[str, Any]:
    """All captions of an image as one feature of several texts (big_vision/pp/ops_text.py).

    Settings:
        to: name of the feature
    """
    if "captions/text" not in example:
        raise PortError("captions/text", "is not there")
    rest = {key: value for key, value in example.items() if not key.startswith(f"{to}/")}
    return {**rest, to: example["captions/text"]}
