"""A mean over examples that come in batches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped


class Average(NamedTuple):
    """Sum, in double precision, and number of the values so far."""

    total: float = 0.0
    count: int = 0

    def added(self, values: Shaped[np.ndarray, "b"]) -> Average:
        """With the values of a batch."""
        return Average(self.total + float(values.astype(np.float64).sum()), self.count + len(values))

    @property
    def value(self) -> float:
        """The mean of at least one value."""
        return self.total / self.count
