"""Copy a feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bvc.component import PortError, component


@component("op")
def copy(example: Mapping[str, Any], from_: str, to: str) -> dict[str, Any]:
    """Give a feature a second name; a group such as `captions` is copied whole (big_vision/pp/ops_general.py).

    Settings:
        from_: name of the feature, or of a group of features `NAME/...`
        to: the second name
    """
    if from_ in example:
        return {**example, to: example[from_]}
    group = {key: value for key, value in example.items() if key.startswith(f"{from_}/")}
    if not group:
        raise PortError(from_, "is not there")
    return {**example, **{to + key.removeprefix(from_): value for key, value in group.items()}}
