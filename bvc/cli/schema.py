"""`bvc schema`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import typer

from bvc.cli.arguments import import_components
from bvc.cli.report import CLEAN, report
from bvc.diagnostics import Failed, Sources

_WIDTH = 110


def schema(imports: Sequence[str]) -> int:
    """Print the JSON Schema of specs."""
    from bvc.bind.schema import schema as make

    try:
        import_components(imports)
    except Failed as failure:
        return report(failure.diagnostics, Sources())
    typer.echo(_written(make()))
    return CLEAN


def _written(value: Any, depth: int = 0) -> str:
    """JSON in which what fits stands on one line: half as long as with a line for each value."""
    whole = json.dumps(value)
    if depth + len(whole) <= _WIDTH or not isinstance(value, dict | list):
        return whole
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {_written(item, depth + 1)}" for name, item in value.items()]
        opened, closed = "{}"
    else:
        items = [_written(item, depth + 1) for item in value]
        opened, closed = "[]"
    inside = ",\n".join(" " * (depth + 1) + item for item in items)
    return f"{opened}\n{inside}\n{' ' * depth}{closed}"
