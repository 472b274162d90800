"""`bvc schema`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer

from bvc.cli.arguments import import_components
from bvc.cli.report import CLEAN, report
from bvc.diagnostics import Failed, Sources


def schema(imports: Sequence[str]) -> int:
    """Print the JSON Schema of specs."""
    from bvc.bind.schema import schema as make

    try:
        import_components(imports)
    except Failed as failure:
        return report(failure.diagnostics, Sources())
    typer.echo(json.dumps(make(), indent=1))
    return CLEAN
