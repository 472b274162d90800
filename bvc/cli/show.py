"""`bvc show SPEC`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.cli.arguments import settings
from bvc.cli.report import CLEAN, report
from bvc.diagnostics import Failed, Sources


def show(spec: str, sets: Sequence[str], origin: bool) -> int:
    """Print the resolved spec as TOML, with the origin of each leaf if asked."""
    from bvc.spec import load, parse_target
    from bvc.spec.show import show as show_spec

    sources = Sources()
    try:
        file, params = parse_target(spec)
        typer.echo(show_spec(load(file, params, settings(sets), sources=sources), origin=origin))
    except Failed as failure:
        return report(failure.diagnostics, sources)
    return CLEAN
