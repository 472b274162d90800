"""Diagnostics on the terminal, and the exit status that they mean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import typer

from bvc.diagnostics import Diagnostic, Sources
from bvc.diagnostics.order import in_order
from bvc.diagnostics.render import Format, render

CLEAN, ERRORS, UNUSABLE = 0, 1, 2

Tells = Callable[[str], bool]
"""Whether this process is to print a text; of several processes one does."""


def tells_all(_: str) -> bool:
    """This process prints every text: it is alone."""
    return True


def report(
    diagnostics: Sequence[Diagnostic],
    sources: Sources,
    form: Format = "text",
    *,
    strict: bool = False,
    tells: Tells = tells_all,
) -> int:
    """Print diagnostics in file order; the exit status: 0 clean, 1 errors, 2 if a file that was named can't be read.

    Args:
        diagnostics: what was found.
        sources: the texts that they point into.
        form: `text`, `short` or `json`.
        strict: warnings count as errors.
        tells: whether it is this process that prints.
    """
    ordered = in_order(diagnostics)
    printed = render(ordered, sources, form)
    if printed and tells(printed):
        typer.echo(printed)
    if any(diagnostic.code == "B0010" for diagnostic in ordered):
        return UNUSABLE
    counted = {"error", "warning"} if strict else {"error"}
    return ERRORS if any(diagnostic.severity in counted for diagnostic in ordered) else CLEAN


def say(text: str) -> None:
    """A line for people, beside what the command prints for programs."""
    print(text, file=sys.stderr)
