"""`bvc data bench SPEC`."""

from __future__ import annotations

import dataclasses
import json as js
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from bvc.api import data_root
from bvc.cli.arguments import settings
from bvc.cli.progress import shown
from bvc.cli.report import report, say
from bvc.diagnostics import Failed

if TYPE_CHECKING:
    from bvc.runtime.datasets.bench import Benched


def bench(spec: str, sets: Sequence[str], seconds: float, json: bool, data_dir: str | None) -> int:
    """Measure the data of training, and print what was measured."""
    from bvc.check import check
    from bvc.component.error import DataError
    from bvc.diagnostics.catalog import missing as catalog
    from bvc.runtime.datasets.bench import bench as measure
    from bvc.spec import parse_target

    file, params = parse_target(spec)
    checked = check(file, params, settings(sets))
    if not checked.ok or checked.program is None:
        return report(checked.diagnostics, checked.sources)
    try:
        with shown("bench", "seconds") as told:
            found = measure(checked.program, data_root(data_dir), seconds, told, say)
    except Failed as failure:
        return report(failure.diagnostics, checked.sources)
    except DataError as error:
        place = checked.program.experiment.train.origin
        return report([catalog.data_unreadable(error.what, error.looked, place, error.help)], checked.sources)
    typer.echo(_as_json(found) if json else _render(found))
    return report(checked.diagnostics, checked.sources)


def _render(found: Benched) -> str:
    from bvc.plan.table import table

    total = sum(stage.seconds for stage in found.stages)
    rows = [("stage", "images/s", "per image", "share")]
    rows += [
        (
            stage.name,
            f"{1 / stage.seconds:.0f}",
            f"{stage.seconds * 1e6:.0f} µs",
            f"{stage.seconds / total:.0%}",
        )
        for stage in found.stages
        if stage.seconds
    ]
    rows += [
        ("one core", f"{found.core:.0f}", f"{total * 1e6:.0f} µs", ""),
        ("transfer", f"{1 / found.transfer:.0f}", f"{found.transfer * 1e6:.0f} µs", ""),
        ("feed", f"{found.rate:.0f}", f"{1e6 / found.rate:.0f} µs", ""),
    ]
    by = f"{found.workers} worker processes" if found.workers else "a thread"
    step = found.batch / found.rate
    lines = [
        f"stages on one core, {found.examples} examples; the feed by {by}, in batches of {found.batch}",
        *table(rows, right=(1, 2, 3)),
        f"bound by: {found.bound}",
        f"wait for a batch when nothing is computed: {found.wait * 1e3:.3g} ms",
        f"a step of {found.batch} examples that takes longer than {step * 1e3:.3g} ms does not wait for data",
    ]
    return "\n".join(lines)


def _as_json(found: Benched) -> str:
    document = {**dataclasses.asdict(found), "core": found.core, "bound": found.bound}
    return js.dumps(document, indent=2)
