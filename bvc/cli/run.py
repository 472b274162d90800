"""`bvc run SPEC --workdir DIR`, and `bvc run SPEC --smoke`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence

from bvc.api import data_root
from bvc.cli.arguments import settings
from bvc.cli.report import CLEAN, Tells, report, tells_all
from bvc.diagnostics import Failed
from bvc.ir import Experiment


def smoke(spec: str, sets: Sequence[str]) -> int:
    """Two steps of the experiment made small, on generated data; nothing of it is kept."""
    with tempfile.TemporaryDirectory(prefix="bvc-smoke-") as folder:
        return run(spec, sets, f"{folder}/run", folder, False, small=True)


def run(
    spec: str,
    sets: Sequence[str],
    workdir: str,
    data_dir: str | None,
    anyway: bool,
    tells: Tells = tells_all,
    *,
    small: bool = False,
    profile: tuple[int, int] | None = None,
) -> int:
    """Check, plan, train; 0 when the run is complete, 75 when a signal stopped it and its state is saved."""
    from rich.console import Console

    from bvc.check import check
    from bvc.spec import parse_target

    file, params = parse_target(spec)
    checked = check(file, params, settings(sets), step=False)  # the plan traces it
    if not checked.ok or checked.spec is None or checked.experiment is None:
        return report(checked.diagnostics, checked.sources, tells=tells)

    from bvc.diagnostics.catalog import run as catalog
    from bvc.runtime.interruption import EXIT
    from bvc.runtime.processes.peers import is_first, together
    from bvc.runtime.run import locate
    from bvc.runtime.run import run as train
    from bvc.spec.show import show

    if is_first():
        report(checked.diagnostics, checked.sources)
    root = data_root(data_dir)
    console = Console(file=sys.stderr, quiet=not is_first())
    try:
        experiment = _small(checked.experiment) if small else checked.experiment
        program = together(lambda: locate(experiment, root, lambda text: console.print(text, markup=False)))
        outcome = train(program, show(checked.spec), workdir, root, console, anyway=anyway, profile=profile)
    except Failed as failure:
        return report(failure.diagnostics, checked.sources, tells=tells)
    if outcome.signal is not None:
        if is_first():
            report([catalog.interrupted(outcome.step, workdir, outcome.signal)], checked.sources)
        return EXIT
    return CLEAN


def _small(experiment: Experiment) -> Experiment:
    import jax

    from bvc.compile.smoke import smoke

    return smoke(experiment, jax.device_count())
