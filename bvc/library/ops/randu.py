"""A random number."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from bvc.component import component


@component("op", writes="fliplr")
def randu(rng: np.random.Generator) -> Float32[np.ndarray, ""]:
    """A number uniform in [0, 1), for several ops to share (big_vision/pp/proj/uvim/pp_ops.py)."""
    return np.asarray(rng.random(), np.float32)
