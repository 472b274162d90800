"""A diagnostic: what is wrong, where, why, and how to mend it; one value feeds every renderer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bvc.diagnostics.place import Origin, Place

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Label:
    """A place and a few words about it."""

    place: Place
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One cause, told once.

    `message` is lowercase and complete on its own; `label` stands beside the caret; `labels` point
    at other places that take part; only `help` proposes a mend. `origin` says through which
    references the value came, and in which generated table.
    """

    code: str
    message: str
    place: Place | None = None
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    severity: Severity = "error"
    origin: Origin | None = None


class Failed(Exception):  # noqa: N818 - reads as what happened
    """A stage stopped; `diagnostics` say why. The command line prints them, never a traceback."""

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        found = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        self.diagnostics = found
        super().__init__("\n".join(f"{d.code}: {d.message}" for d in found))
