"""The texts of all classes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from bvc.component import Count, DataError, Feature, InputFile, SettingError, component
from bvc.library.text.prompts import PLACE, expanded, lines


@component("op")
class Prompts:
    """Give every example the texts of all classes, one for each, in the order of their numbers (big_vision
    `scoring_classifier.py`).

    Settings:
        classes: names of the classes, or a text file with one per line; of names with a comma the first counts
        count: how many classes a file holds; a batch must know it before the file is read
        template: text with `{}` where the name stands
        to: feature to write
    """

    def __init__(
        self,
        classes: tuple[str, ...] | InputFile,
        count: Count | None = None,
        *,
        template: str = PLACE,
        to: str = "prompts",
    ) -> None:
        if isinstance(classes, str) == (count is None):
            raise SettingError("count", "goes with a file of classes, and a file with it")
        if PLACE not in template:
            raise SettingError("template", "has no place for a name", f"write `{PLACE}` there")
        self.classes = classes
        self.count = count or len(classes)
        self.template = template
        self.to = to

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the texts."""
        texts = _texts(self.classes, self.template)
        if len(texts) != self.count:
            raise DataError(f"{len(texts)} names of classes, but `count` is {self.count}", str(self.classes))
        return {**example, self.to: list(texts)}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """One text for each class."""
        return {**example, self.to: Feature("str", (self.count,))}


@functools.lru_cache(maxsize=8)
def _texts(classes: tuple[str, ...] | str, template: str) -> tuple[str, ...]:
    return tuple(text for text, _ in expanded(lines(classes), [template], first_name_only=True))
