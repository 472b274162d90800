"""Examples of some classes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from bvc.component import SettingError, component


@component("filter")
class OneOf:
    """Examples whose class id is one of these.

    Settings:
        values: the ids
    """

    def __init__(self, values: tuple[int, ...]) -> None:
        if not values:
            raise SettingError("values", "is empty, so that no example remains")
        self.values = frozenset(values)

    def __call__(self, label: Int[np.ndarray, ""]) -> Bool[np.ndarray, ""]:
        """Whether the id is one of them."""
        return np.asarray(int(label) in self.values)
