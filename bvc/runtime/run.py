"""One run: what the place lacks is said first, then the plan, then training."""

from __future__ import annotations

from contextlib import closing

from rich.console import Console

from bvc.compile.program import Program, compile_experiment
from bvc.diagnostics import Failed
from bvc.ir import Experiment
from bvc.plan.fits import check_fit
from bvc.plan.plan import Plan, plan
from bvc.plan.report import as_json, render
from bvc.runtime.assemble import assemble, machine
from bvc.runtime.checkpoints.frozen import Tell
from bvc.runtime.contents import PLAN
from bvc.runtime.evaluate import prepare
from bvc.runtime.feed.data import missing_data, open_training
from bvc.runtime.feed.filtered import Told
from bvc.runtime.files import find_files
from bvc.runtime.loop import Outcome, train
from bvc.runtime.metrics.progress import Progress
from bvc.runtime.metrics.surprise import Surprise
from bvc.runtime.metrics.writers import missing_writers
from bvc.runtime.processes.peers import in_turn
from bvc.runtime.saved import Trained, open_named, open_trained
from bvc.runtime.trace import Trace
from bvc.runtime.workdir import Workdir


def locate(experiment: Experiment, root: str, told: Told | None = None) -> Program:
    """The program with everything that it reads found on this machine, its length taken from the data itself.

    Args:
        experiment: the IR.
        root: where data lies.
        told: how far what takes long is.

    Raises:
        Failed: data, files or checkpoints are missing (B0501, B0502, B0503, B0554; all are told at once), or a
            file of an evaluator cannot be used (B0534).
    """
    missing = missing_data(experiment, root)
    try:
        experiment = find_files(experiment)
    except Failed as failure:
        missing += failure.diagnostics
    missing += missing_writers(experiment.run.writers)
    if missing:
        raise Failed(missing)
    program = compile_experiment(experiment, sum(map(len, open_training(experiment.train, root, told))))
    for each in program.evals:
        prepare(each.table.name, each.evaluator)
    return program


def run(
    program: Program,
    spec: str,
    workdir: str,
    root: str,
    console: Console,
    *,
    anyway: bool = False,
    profile: tuple[int, int] | None = None,
) -> Outcome:
    """Train, or continue where the work directory stopped.

    Args:
        program: as `locate` made it.
        spec: the resolved spec as TOML.
        workdir: path or URL of the work directory.
        root: where data lies.
        console: where progress is shown.
        anyway: run even if the plan does not fit.
        profile: the first and the last step of a profiler trace.

    Raises:
        Failed: the run cannot begin, or cannot go on.
    """
    planned = plan(program)
    unfit = check_fit(planned)
    if unfit and not anyway:
        raise Failed(unfit)

    def tell(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    here = machine(program, tell)
    with closing(in_turn(lambda: Workdir(workdir, spec, tell))) as opened:
        _write_plan(opened, planned)
        training = assemble(program, root, here, opened.folder)
        with Progress(console, total=training.times.total, batch=training.batch) as progress:
            trace = Trace(opened.folder, *profile) if profile else None
            return train(training, opened, progress, surprise=Surprise.of(planned), trace=trace)


def _write_plan(workdir: Workdir, planned: Plan) -> None:
    workdir.write("plan.txt", render(planned))
    workdir.write(PLAN, as_json(planned))


def trained(
    program: Program, workdir: str | None, step: int | None = None, tell: Tell = lambda text: None
) -> Trained:
    """The model of a work directory, or without one of the checkpoints that `init` names, on the devices that are here.

    Args:
        program: as `locate` made it.
        workdir: path or URL of the work directory.
        step: which checkpoint; None: the newest one that verifies.
        tell: is given the account of every checkpoint that `init` names.

    Raises:
        Failed: there is no checkpoint, or it cannot be used.
    """
    here = machine(program, tell)
    return open_named(program, here) if workdir is None else open_trained(program, workdir, here, step)
