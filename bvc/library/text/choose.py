"""One of several texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def one_text(text: str | Sequence[str], rng: np.random.Generator | None) -> str:
    """The text itself, or one of several: at random, or the first without `rng`; of none the empty text."""
    if isinstance(text, str):
        return text
    if not text:
        return ""
    return text[int(rng.integers(len(text)))] if rng is not None else text[0]
