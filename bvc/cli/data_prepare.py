"""`bvc data prepare NAME...`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from bvc.api import data_root
from bvc.cli.progress import shown
from bvc.cli.report import CLEAN, report, say
from bvc.diagnostics import Diagnostic, Failed, Sources


def prepare(names: Sequence[str], data_dir: str | None) -> int:
    """Prepare each data set; one that fails does not keep the others back. 75 when Ctrl-C stopped it."""
    from bvc.runtime.datasets.prepare import prepare as make
    from bvc.runtime.interruption import EXIT

    found: list[Diagnostic] = []
    for name in names:
        try:
            with shown(name) as told:
                typer.echo(make(name, data_root(data_dir), told))
        except Failed as failure:
            found += failure.diagnostics
        except KeyboardInterrupt:
            say(f"stopped while preparing `{name}`; the same command continues with what is there")
            report(found, Sources())
            sys.stdout.flush()
            os._exit(EXIT)  # TFDS' downloading threads cannot be stopped, and Python would wait for them
    return report(found, Sources()) if found else CLEAN
