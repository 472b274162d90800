"""Keep some features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvc.component import PortError, component


@component("op")
def keep(example: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Keep these features and drop all others (big_vision/pp/ops_general.py).

    Settings:
        keys: names of the features
    """
    for key in keys:
        if key not in example:
            raise PortError(key, "is not there")
    return {key: value for key, value in example.items() if key in keys}
