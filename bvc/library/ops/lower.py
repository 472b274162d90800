"""Lowercase a text."""

from __future__ import annotations

from bvc.component import Feature, Text, Texts, component
from bvc.library.text.ascii import lowered


@component("op")
class Lower:
    """Lowercase the ASCII letters of a text, or of several (big_vision/pp/ops_text.py)."""

    def __call__(self, text: Text | Texts) -> Text | Texts:
        """The text, or texts."""
        return lowered(text) if isinstance(text, str) else [lowered(each) for each in text]

    def typed(self, text: Feature) -> Feature:
        """As it came."""
        return text
