"""A value for a feature that holds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bvc.component import Feature, PortError, component


@component("op")
class Setdefault:
    """Give a feature a value where it is missing or empty (big_vision/pp/ops_general.py).

    Settings:
        key_: name of the feature
        value: the value; it stands once in every empty dim
    """

    def __init__(self, key_: str, value: str | float | int) -> None:
        self.name = key_
        self.value = value

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the feature."""
        held = example.get(self.name)
        if held is None:
            return {
                **example,
                self.name: self.value if isinstance(self.value, str) else np.asarray(self.value),
            }
        if isinstance(held, list):
            return {**example, self.name: held or [self.value]}
        if isinstance(held, str | bytes) or np.size(held):
            return dict(example)
        filled = np.full([max(size, 1) for size in held.shape], self.value, held.dtype)
        return {**example, self.name: filled}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """The type that the feature has; where it is not there, that of the value."""
        value = np.asarray(self.value)
        new = Feature("str" if value.dtype.kind == "U" else value.dtype.name)
        held = example.get(self.name)
        if held is not None and (held.dtype == "str") != (new.dtype == "str"):
            raise PortError(self.name, f"is {held}, which `{self.value}` is not")
        return {**example, self.name: replace(held) if held else new}
