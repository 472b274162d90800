"""Texts that name classes: every class in every template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex, TypedDict

import numpy as np

from bvc.component import Feature, Features, InputFile, Missing, SettingError, component
from bvc.component.source import Records
from bvc.library.text.canonical import canonical
from bvc.library.text.prompts import PLACE, check_templates, expanded, lines


class Prompt(TypedDict):
    """A text, and the number of the class that it names."""

    text: str
    label: np.int64


@component("source")
class Prompts:
    """Prompts for zero-shot classification (CLIP, arXiv:2103.00020; big_vision `prompt_engineering.py`).

    Features: `text`, and `label`, the number of the class. The split does not matter: all prompts are in each.

    Settings:
        classes: names of the classes in the order of their numbers, or a text file with one per line; a comma
            separates names of the same class
        templates: texts with `{}` where the name stands, or a text file with one per line
        first_name_only: of several names of a class take the first
        canonicalize: lowercase everything and leave punctuation out
    """

    def __init__(
        self,
        *,
        classes: tuple[str, ...] | InputFile,
        templates: tuple[str, ...] | InputFile = (PLACE,),
        first_name_only: bool = True,
        canonicalize: bool = True,
    ) -> None:
        for name, written in (("classes", classes), ("templates", templates)):
            if not written:
                raise SettingError(name, "holds nothing")
        if not isinstance(templates, str):
            for template in templates:
                if PLACE not in template:
                    raise SettingError(
                        "templates",
                        f'holds "{template}", which has no place for a name',
                        f"write `{PLACE}` there",
                    )
        self.classes = classes
        self.templates = templates
        self.first_name_only = first_name_only
        self.canonicalize = canonicalize

    def features(self) -> Features:
        """A text and a number."""
        return {"text": Feature("str"), "label": Feature("int64")}

    def missing(self, split: str, root: str) -> Missing | None:
        """Nothing: files among the settings are looked for with all others."""
        return None

    def open(self, split: str, root: str) -> Records:
        """All prompts.

        Raises:
            DataError: a file cannot be read, or a template has no place for a name.
        """
        classes, templates = lines(self.classes), lines(self.templates)
        check_templates(templates, str(self.templates))
        if self.canonicalize:
            classes = [canonical(name, keep=",") for name in classes]
            templates = [canonical(template, keep=PLACE) for template in templates]
        found = expanded(classes, templates, self.first_name_only)
        return Expanded(tuple({"text": text, "label": np.int64(label)} for text, label in found))


@dataclass(frozen=True)
class Expanded:
    """Prompts in the order of the classes."""

    prompts: tuple[Prompt, ...]

    def __len__(self) -> int:
        return len(self.prompts)

    def __getitem__(self, index: SupportsIndex) -> Prompt:
        return self.prompts[index]
