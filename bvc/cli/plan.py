"""`bvc plan SPEC`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from bvc.cli.arguments import settings
from bvc.cli.output import write
from bvc.cli.report import report
from bvc.diagnostics import Diagnostic, Failed


def plan(
    spec: str,
    sets: Sequence[str],
    target: str | None,
    json: bool,
    params: bool,
    html: str | None = None,
    compiled: bool = False,
) -> int:
    """Print what a run costs, and write it as a page if asked; 1 if it does not fit.

    With `compiled` the compiler of the target is asked too.
    """
    from bvc.check import check
    from bvc.spec import parse_target

    file, given = parse_target(spec)
    checked = check(file, given, settings(sets), step=False)
    if not checked.ok or checked.program is None:
        return report(checked.diagnostics, checked.sources)

    from bvc.plan.data.hosts import host_need
    from bvc.plan.doubts import check_doubts
    from bvc.plan.fits import check_fit
    from bvc.plan.plan import plan as make
    from bvc.plan.report import as_json, render
    from bvc.plan.target import find_target

    try:
        planned = make(checked.program, find_target(target) if target else None)
        if compiled:
            from bvc.plan.xla.ask import with_compiled

            planned = with_compiled(planned, file, given, settings(sets))
        hosts = host_need(checked.program, planned, _found)
        if html:
            from bvc.plan.page import render_page

            write(html, render_page(planned, hosts).encode())
    except Failed as failure:
        return report(failure.diagnostics, checked.sources)
    typer.echo(as_json(planned, hosts) if json else render(planned, every_parameter=params, hosts=hosts))
    unfit: list[Diagnostic] = []
    if planned.excess and not json:
        from bvc.cli.fit import again, names_split
        from bvc.plan.fit.mends import mends

        load, split = again(file, given, settings(sets)), names_split(checked)
        unfit = check_fit(planned, mends(checked.program, planned, load, names_split=split))
    doubts = [] if json else check_doubts(planned)
    return report([*checked.diagnostics, *doubts, *unfit], checked.sources) or int(bool(planned.excess))


def plan_data(spec: str, sets: Sequence[str], json: bool) -> int:
    """Print what happens to the data, and what that takes on a host."""
    from bvc.check import check
    from bvc.spec import parse_target

    file, given = parse_target(spec)
    checked = check(file, given, settings(sets))
    if not checked.ok or checked.program is None:
        return report(checked.diagnostics, checked.sources)

    from bvc.plan.data.plan import plan_data as make
    from bvc.plan.data.report import data_as_json, render_data
    from bvc.runtime.feed.workers import suggested_workers

    given_workers = checked.program.experiment.run.workers
    try:
        planned = make(
            checked.program, _found, suggested_workers() if given_workers is None else given_workers
        )
    except Failed as failure:
        return report(failure.diagnostics, checked.sources)
    typer.echo(data_as_json(planned) if json else render_data(planned))
    return report(checked.diagnostics, checked.sources)


def _found(part: Any) -> Any:
    """A part of an experiment with its files found; an op that reads a file which is not here is not measured."""
    from bvc.runtime.files import find_files

    try:
        return find_files(part)
    except Failed:
        return part
