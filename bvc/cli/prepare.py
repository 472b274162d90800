"""`bvc data prepare NAME...`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from bvc.api import data_root
from bvc.cli.report import CLEAN, report
from bvc.diagnostics import Diagnostic, Failed, Sources


def prepare(names: Sequence[str], data_dir: str | None) -> int:
    """Prepare each data set; one that fails does not keep the others back."""
    from rich.console import Console
    from rich.progress import Progress

    from bvc.runtime.prepare import prepare as make

    found: list[Diagnostic] = []
    with Progress(console=Console(file=sys.stderr), transient=True) as progress:
        for name in names:
            task = progress.add_task(name, total=None)

            def told(done: int, of: int, task: object = task) -> None:
                progress.update(task, completed=done, total=of)  # type: ignore[arg-type]

            try:
                typer.echo(make(name, data_root(data_dir), told))
            except Failed as failure:
                found += failure.diagnostics
    return report(found, Sources()) if found else CLEAN
