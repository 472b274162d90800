"""Examples by the size of a number."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Num

from bvc.component import SettingError, component


@component("filter")
class Within:
    """Examples whose number, such as a score, lies within bounds.

    Settings:
        least: the smallest that remains; absent: no bound
        most: the largest that remains; absent: no bound
    """

    def __init__(self, least: float | None = None, most: float | None = None) -> None:
        if least is None and most is None:
            raise SettingError("least", "is missing, and `most` too", "give at least one bound")
        if least is not None and most is not None and least > most:
            raise SettingError("most", f"is below `least = {least:g}`, so that no example remains")
        self.least, self.most = least, most

    def __call__(self, value: Num[np.ndarray, ""]) -> Bool[np.ndarray, ""]:
        """Whether it does."""
        above = self.least is None or value >= self.least
        return np.asarray(above and (self.most is None or value <= self.most))
