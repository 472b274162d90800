"""`bvc eval SPEC --workdir DIR`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.api import data_root
from bvc.cli.arguments import settings
from bvc.cli.report import CLEAN, report
from bvc.diagnostics import Failed


def evaluate(spec: str, sets: Sequence[str], workdir: str, data_dir: str | None, step: int | None) -> int:
    """Run the evaluators on a checkpoint, and print their metrics as a row of the metrics file."""
    from bvc.check import check
    from bvc.spec import parse_target

    file, params = parse_target(spec)
    checked = check(file, params, settings(sets))
    if not checked.ok or checked.experiment is None:
        return report(checked.diagnostics, checked.sources)

    from bvc.runtime.folder import Folder
    from bvc.runtime.rows import row
    from bvc.runtime.run import locate, trained

    root = data_root(data_dir)
    try:
        model = trained(locate(checked.experiment, root), workdir, step)
        typer.echo(row(model.step, model.evaluate(root, Folder(workdir))))
    except Failed as failure:
        return report(failure.diagnostics, checked.sources)
    return CLEAN
