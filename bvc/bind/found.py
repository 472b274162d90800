"""What binding carries along: the diagnostics found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeGuard

from bvc.diagnostics import Diagnostic


class Invalid:
    """Stands for a value that could not be read; the reason is among the diagnostics."""


INVALID = Invalid()


def valid(value: object) -> TypeGuard[object]:
    """Whether a value could be read."""
    return not isinstance(value, Invalid)


@dataclass
class Found:
    """Diagnostics of one binding, in the order in which they were met."""

    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def add(self, diagnostic: Diagnostic) -> Invalid:
        """Record, and stand in for the value."""
        self.diagnostics.append(diagnostic)
        return INVALID

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)
