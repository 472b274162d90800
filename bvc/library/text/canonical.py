"""Texts without what does not matter for their meaning."""

from __future__ import annotations

import string

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def canonical(text: str, keep: str | None = None) -> str:
    """Lower case, no ASCII punctuation, single spaces (big_vision, evaluators/proj/image_text/prompt_engineering.py).

    Underscores become spaces. `keep` is a string of punctuation that stays.

    >>> canonical("A_photo  of a {}.", keep="{}")
    'a photo of a {}'
    """
    parts = text.replace("_", " ").split(keep) if keep else [text.replace("_", " ")]
    joined = (keep or "").join(part.translate(_PUNCTUATION) for part in parts)
    return " ".join(joined.lower().split())
