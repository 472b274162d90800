"""The diagnostics of one load, collected while the work goes on."""

from __future__ import annotations

from collections.abc import Iterable

from bvc.diagnostics import Diagnostic, Failed


class Missing(Failed):
    """A name or row that isn't there, directly in the expression at hand: `??` may take its place."""


class Exceeded(Failed):
    """A limit on the work of a load is passed: nothing is tried after it."""


class Report:
    """What was found so far."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Adds all."""
        self.found.extend(diagnostics)

    def tell(self, diagnostic: Diagnostic) -> None:
        """Adds one."""
        self.found.append(diagnostic)
