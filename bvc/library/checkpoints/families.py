"""Which program wrote a file, and for which model: told from the names of its arrays."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bvc.component import registry
from bvc.library.checkpoints.naming import Mark


@dataclass(frozen=True, slots=True)
class Family:
    """Attributes:
    writer: whose names these are: `big_vision`, `Hugging Face`, ...
    models: components that may read them.
    stacked: repeated layers lie in one array each, as big_vision's `scan` keeps them.
    """

    writer: str
    models: tuple[str, ...]
    stacked: bool = False

    def __str__(self) -> str:
        stacked = ", layers stacked" if self.stacked else ""
        return f"{' or '.join(self.models)} in the names of {self.writer}{stacked}"


def recognize(names: Iterable[str]) -> Family | None:
    """The family of a file, or None if its names are like nothing known: the marks of a model that say most.

    Models are those of bvc and of what is registered with it; each says by `marks` what its files are told by.
    """
    inside = [re.sub(r"^(params|opt/target)/", "", name) for name in names]
    fitting = [
        (mark, model)
        for model in registry.names("model")
        for mark in _marks(model)
        if all(any(_pattern(part).search(name) for name in inside) for part in mark.parts)
    ]
    if not fitting:
        return None
    most = max(len(mark.parts) for mark, _ in fitting)
    best = [(mark, model) for mark, model in fitting if len(mark.parts) == most]
    models = tuple(model for mark, model in best if mark.writer == best[0][0].writer)
    stacked = any(re.search(r"(^|/)(encoderblock|EncDecBlock)/", name) for name in inside)
    return Family(best[0][0].writer, models, stacked)


def _marks(model: str) -> tuple[Mark, ...]:
    component = registry.find("model", model)
    return () if component is None else getattr(component.target, "marks", ())


@functools.cache
def _pattern(part: str) -> re.Pattern[str]:
    end = "" if part[-1] in "/_." else r"(?=$|[/_.\d])"
    return re.compile(rf"(^|\.){re.escape(part)}{end}")
