"""Depth maps of NYU Depth v2."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Num

from bvc.component import component


@component("op", writes="labels")
def nyu_depth(depth: Num[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 1"]:
    """A depth map in metres, as float32 with a channel (big_vision, uvim/pp_ops.py)."""
    return depth[..., None].astype(np.float32)
