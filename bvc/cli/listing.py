"""`bvc list [KIND]`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.cli.arguments import import_components
from bvc.cli.report import CLEAN, UNUSABLE, report, say
from bvc.diagnostics import Failed, Sources
from bvc.diagnostics.suggest import did_you_mean


def list_components(kind: str | None, imports: Sequence[str]) -> int:
    """Print name and summary of every component of a kind, or of all kinds."""
    from bvc.component.annotation import KINDS

    kinds = [each for each in KINDS if kind in (None, each, f"{each}s")]
    if not kinds:
        say(f"no kind `{kind}`; " + (did_you_mean(kind or "", KINDS) or f"kinds: {', '.join(KINDS)}"))
        return UNUSABLE
    try:
        import_components(imports)
        for each in kinds:
            _print(each, headed=len(kinds) > 1)
    except Failed as failure:
        return report(failure.diagnostics, Sources())
    return CLEAN


def _print(kind: str, *, headed: bool) -> None:
    from bvc.component import registry

    names = registry.names(kind)  # type: ignore[arg-type]
    if headed and names:
        typer.echo(f"{kind}:")
    width = max((len(name) for name in names), default=0)
    for name in names:
        component = registry.find(kind, name)  # type: ignore[arg-type]
        summary = component.summary if component else ""
        typer.echo(f"{'  ' if headed else ''}{name:<{width}}  {summary}")
