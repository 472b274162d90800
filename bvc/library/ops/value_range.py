"""Scale values from one range to another."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Num

from bvc.component import SettingError, component

Bound = float | tuple[float, ...]


@component("op")
class ValueRange:
    """Scale values linearly from [in_min, in_max] to [vmin, vmax], in float32 (big_vision/pp/ops_general.py).

    Settings:
        vmin: what `in_min` becomes
        vmax: what `in_max` becomes
        in_min: lower end of the range that comes in; several: one per channel
        in_max: upper end of the range that comes in
        clip_values: clip what lies outside [vmin, vmax]
    """

    pointwise = True
    """Each value depends on one value and its channel: a table can say it."""

    def __init__(
        self,
        vmin: Bound = -1.0,
        vmax: Bound = 1.0,
        in_min: Bound = 0.0,
        in_max: Bound = 255.0,
        clip_values: bool = False,
    ) -> None:
        self.low, self.high = np.asarray(vmin, np.float32), np.asarray(vmax, np.float32)
        self.first, self.last = np.asarray(in_min, np.float32), np.asarray(in_max, np.float32)
        if np.any(self.first == self.last):
            raise SettingError("in_max", "equals `in_min`: nothing lies between them")
        self.clip = clip_values

    def __call__(self, image: Num[np.ndarray, "*dims"]) -> Float32[np.ndarray, "*dims"]:
        """The scaled values."""
        scaled = (image.astype(np.float32) - self.first) / (self.last - self.first)
        scaled = self.low + scaled * (self.high - self.low)
        return np.clip(scaled, self.low, self.high) if self.clip else scaled
