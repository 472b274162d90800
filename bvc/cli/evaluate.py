"""`bvc eval SPEC --workdir DIR`, and `bvc eval SPEC` of the checkpoint that `init` names."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.api import data_root
from bvc.cli.arguments import settings
from bvc.cli.report import CLEAN, Tells, report, say, tells_all
from bvc.diagnostics import Failed


def evaluate(
    spec: str,
    sets: Sequence[str],
    workdir: str | None,
    data_dir: str | None,
    step: int | None,
    tells: Tells = tells_all,
) -> int:
    """Run the evaluators on a checkpoint, and print their metrics as a row of the metrics file."""
    if step is not None and workdir is None:
        raise typer.BadParameter("goes with --workdir", param_hint="--step")
    from bvc.check import check
    from bvc.spec import parse_target

    file, params = parse_target(spec)
    checked = check(file, params, settings(sets))
    if not checked.ok or checked.experiment is None:
        return report(checked.diagnostics, checked.sources, tells=tells)

    from bvc.runtime.folder import Folder
    from bvc.runtime.metrics.rows import row
    from bvc.runtime.processes.peers import is_first, together
    from bvc.runtime.run import locate, trained

    root = data_root(data_dir)
    try:
        experiment = checked.experiment
        told = say if is_first() else lambda text: None
        model = trained(together(lambda: locate(experiment, root)), workdir, step, told)
        metrics = model.evaluate(root, Folder(workdir) if workdir else None)
        if is_first():
            typer.echo(row(model.step, metrics))
    except Failed as failure:
        return report(failure.diagnostics, checked.sources, tells=tells)
    return CLEAN
