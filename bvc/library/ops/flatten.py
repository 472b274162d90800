"""Nested features as flat ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvc.component import component


@component("op")
def flatten(example: Mapping[str, Any]) -> dict[str, Any]:
    """Name nested features by their path, `captions/text` (big_vision/pp/ops_general.py).

    The sources of bvc give flat features already, so that this op changes nothing after them.
    """
    flat: dict[str, Any] = {}
    for key, value in example.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}/{inner}": item for inner, item in flatten(value).items()}
        else:
            flat[key] = value
    return flat
