"""Depth as bins."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int32

from bvc.component import SettingError, component
from bvc.component.annotation import Count


@component("op")
class BinNyuDepth:
    """Depth in metres as the number of an equal bin (big_vision, givt/pp_ops.py).

    Settings:
        min_depth: where the first bin begins, in metres
        max_depth: where the last bin ends, in metres
        num_bins: number of bins
    """

    def __init__(self, min_depth: float = 0.001, max_depth: float = 10.0, num_bins: Count = 256) -> None:
        if not min_depth < max_depth:
            raise SettingError("max_depth", f"is not above `min_depth`, {min_depth:g}")
        self.low, self.high, self.bins = np.float32(min_depth), np.float32(max_depth), num_bins

    def __call__(self, labels: Float[np.ndarray, "*dims"]) -> Int32[np.ndarray, "*dims"]:
        """The bins."""
        share = (labels.astype(np.float32) - self.low) / (self.high - self.low)
        return np.clip(np.floor(share * np.float32(self.bins)), 0, self.bins - 1).astype(np.int32)
