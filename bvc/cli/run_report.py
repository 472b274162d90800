"""`bvc report WORKDIR... --out DIR`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.cli.report import report
from bvc.diagnostics import Failed, Sources


def run_report(workdirs: Sequence[str], out: str) -> int:
    """Write what runs have recorded as a page and as pictures; print where they lie."""
    from bvc.report.report import report as write

    sources = Sources()
    try:
        written, told = write(workdirs, out)
    except Failed as failure:
        return report(failure.diagnostics, sources)
    typer.echo(f"{written[0]}\nand {len(written) - 1} PNGs beside it")
    return report(told, sources)
