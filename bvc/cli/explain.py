"""`bvc explain NAME|CODE`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import typer

from bvc.cli.arguments import import_components
from bvc.cli.report import CLEAN, UNUSABLE, report, say
from bvc.diagnostics import Failed, Sources
from bvc.diagnostics.suggest import did_you_mean


def explain(name: str, imports: Sequence[str]) -> int:
    """Print the page of a diagnostic's code, or the reference page of each component of that name."""
    if re.fullmatch(r"[Bb]\d{4}", name):
        return _explain_code(name.upper())
    from bvc.component import registry
    from bvc.component.annotation import KINDS
    from bvc.component.page import page

    try:
        import_components(imports)
    except Failed as failure:
        return report(failure.diagnostics, Sources())
    found = [component for kind in KINDS if (component := registry.find(kind, name)) is not None]
    if not found:
        known = [each for kind in KINDS for each in registry.names(kind)]
        say(f"nothing is called `{name}`; " + (did_you_mean(name, known) or "`bvc list` prints all names"))
        return UNUSABLE
    typer.echo("\n".join(page(component) for component in found))
    return CLEAN


def _explain_code(code: str) -> int:
    from bvc.diagnostics.pages import codes, read

    if code not in codes():
        say(
            f"no diagnostic has the code `{code}`; "
            + (did_you_mean(code, codes()) or f"codes: {', '.join(codes())}")
        )
        return UNUSABLE
    typer.echo(read(code).shown())
    return CLEAN
