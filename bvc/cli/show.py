"""`bvc show SPEC`, and `bvc show SPEC --plot FILE.png`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.cli.arguments import settings
from bvc.cli.output import write
from bvc.cli.report import CLEAN, report
from bvc.diagnostics import Failed, Sources


def show(spec: str, sets: Sequence[str], origin: bool) -> int:
    """Print the resolved spec as TOML, with the origin of each leaf if asked."""
    from bvc.spec import load, parse_target
    from bvc.spec.show import show as show_spec

    sources = Sources()
    try:
        file, params = parse_target(spec)
        typer.echo(show_spec(load(file, params, settings(sets), sources=sources), origin=origin))
    except Failed as failure:
        return report(failure.diagnostics, sources)
    return CLEAN


def plot(spec: str, sets: Sequence[str], file: str) -> int:
    """Draw every schedule over the steps of the run."""
    from bvc.check import check
    from bvc.spec import parse_target

    if not file.endswith(".png"):
        raise typer.BadParameter("draws a PNG: name a file that ends in `.png`", param_hint="--plot")
    source, params = parse_target(spec)
    checked = check(source, params, settings(sets))
    if not checked.ok or checked.program is None:
        return report(checked.diagnostics, checked.sources)

    from bvc.figure.plot import draw
    from bvc.figure.png import png
    from bvc.figure.stack import stacked
    from bvc.plan.schedules import schedule_charts

    drawings = [draw(chart, 760, 320) for chart in schedule_charts(checked.program)]
    try:
        write(file, png(stacked(f"schedules of {spec}", drawings)))
    except Failed as failure:
        return report(failure.diagnostics, checked.sources)
    return report(checked.diagnostics, checked.sources)
