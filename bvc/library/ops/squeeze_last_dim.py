"""Remove a last dim of 1."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped

from bvc.component import component


@component("op")
def squeeze_last_dim(image: Shaped[np.ndarray, "*dims 1"]) -> Shaped[np.ndarray, "*dims"]:
    """Remove the last dim, which is 1 (big_vision/pp/ops_general.py)."""
    return image[..., 0]
