"""A text made of features."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from bvc.component import Feature, PortError, SettingError, component
from bvc.library.text.tensor import shown


@component("op")
class Format:
    """Fill the features of an example into a template such as `"question: {question}"` (big_vision's `strfmt`).

    `{{` and `}}` are braces. Arrays are printed as TensorFlow prints them: `[1 2 3]`.

    Settings:
        template: the text, with names of features in braces
        to: feature to write
    """

    def __init__(self, template: str, to: str = "text") -> None:
        try:
            self.parts = [(text, name) for text, name, _, _ in string.Formatter().parse(template)]
        except ValueError as error:
            raise SettingError("template", f"has braces that do not match: {error}") from error
        self.to = to

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with the text."""
        filled = [text + (shown(example[name]) if name is not None else "") for text, name in self.parts]
        return {**example, self.to: "".join(filled)}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """One text."""
        for _, name in self.parts:
            if name is not None and name not in example:
                raise PortError(name, "is not there")
        return {**example, self.to: Feature("str")}
