"""Examples that hold something."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Shaped

from bvc.component import Encoded, Text, Texts, component


@component("filter")
def nonempty(text: Text | Texts | Encoded | Shaped[np.ndarray, "n"]) -> Bool[np.ndarray, ""]:
    """Examples whose text, texts or values are not empty; of several texts one must hold something."""
    if isinstance(text, list):
        return np.asarray(any(each.strip() for each in text))
    return np.asarray(bool(text.strip()) if isinstance(text, str) else len(text) > 0)
