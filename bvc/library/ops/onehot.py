"""Class ids as a vector."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int

from bvc.component import DataError, component
from bvc.component.annotation import Count


@component("op")
def onehot(
    labels: Int[np.ndarray, ""] | Int[np.ndarray, "n"],
    depth: Count,
    *,
    multi: bool = True,
    on: float = 1.0,
    off: float = 0.0,
) -> Float32[np.ndarray, "{depth}"]:
    """One class id, or several, as a vector of `depth` values (big_vision/pp/ops_general.py).

    A single id out of range gives a vector of `off`; among several ids it is an error.

    Settings:
        depth: number of classes
        multi: several ids make one multi-hot vector; false: one vector each
        on: value of a class that is present
        off: value of all others
    """
    ids = np.asarray(labels)
    if ids.ndim and not multi:
        return np.where(ids[..., None] == np.arange(depth), np.float32(on), np.float32(off))
    if ids.ndim and ids.size and not 0 <= ids.min() <= ids.max() < depth:
        wrong = next(int(one) for one in ids.flat if not 0 <= one < depth)
        raise DataError(f"class id {wrong} among several is outside 0 to {depth - 1}")
    hot = np.full(depth, off, np.float32)
    inside = ids[(ids >= 0) & (ids < depth)]
    hot[inside] = on
    return hot
