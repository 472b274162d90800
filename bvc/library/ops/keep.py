"""Keep some features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvc.component import PortError, component


@component("op")
def keep(example: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Keep these features and drop all others (big_vision/pp/ops_general.py).

    Settings:
        names: names of the features
    """
    for key in names:
        if key not in example:
            raise PortError(key, "is not there")
    return {key: value for key, value in example.items() if key in names}
