"""Mirror at random."""

from __future__ import annotations

import numpy as np
from jaxtyping import Num

from bvc.component import component
from bvc.library.imaging.mirror import mirrored


@component("op")
def flip_lr(image: Num[np.ndarray, "h w c"], rng: np.random.Generator) -> Num[np.ndarray, "h w c"]:
    """Mirror an image left to right, with probability 1/2 (big_vision/pp/ops_image.py)."""
    return mirrored(image) if rng.random() < 0.5 else image
