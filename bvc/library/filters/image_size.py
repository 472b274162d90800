"""Examples by the size of their image."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from bvc.component import Encoded, SettingError, component
from bvc.component.annotation import Count
from bvc.library.imaging.decode import image_size as size_of


@component("filter")
class ImageSize:
    """Examples whose image has sides within bounds; only its header is read.

    Settings:
        least: the shorter side has at least so many pixels; absent: no bound
        most: the longer side has at most so many pixels; absent: no bound
    """

    def __init__(self, least: Count | None = None, most: Count | None = None) -> None:
        if least is None and most is None:
            raise SettingError("least", "is missing, and `most` too", "give at least one bound")
        if least is not None and most is not None and least > most:
            raise SettingError("most", f"is below `least = {least}`, so that no example remains")
        self.least, self.most = least, most

    def __call__(self, image: Encoded) -> Bool[np.ndarray, ""]:
        """Whether both sides do."""
        sides = size_of(image)
        long = self.most is None or max(sides) <= self.most
        return np.asarray(long and (self.least is None or min(sides) >= self.least))
