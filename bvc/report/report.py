"""Work directories -> a folder with `report.html` and one PNG for each metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import report as catalog
from bvc.figure.page import figures, folded, page, section, table
from bvc.figure.plot import draw
from bvc.figure.png import png
from bvc.report.beside import HEAD, beside
from bvc.report.curves import Drawn, sections
from bvc.report.recorded import Recorded, differences, read_runs
from bvc.report.samples import saved_samples

PAGE = "report.html"


def report(workdirs: Sequence[str], out: str) -> tuple[list[str], list[Diagnostic]]:
    """Write the report; the files that were written, and what was left out of them.

    Args:
        workdirs: paths or URLs of work directories; with several the runs are compared.
        out: the folder to write into; made if it is missing.

    Raises:
        Failed: a work directory can't be used (B0550, B0551, B0515), or the folder can't be written (B0553).
    """
    runs, told = read_runs(workdirs)
    folder, drawn = Path(out), sections(runs)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [_write(folder / PAGE, render(runs, drawn).encode())]
        for each in drawn:
            for metric, chart in each.charts:
                written.append(_write(folder / _file(metric, written), png(draw(chart))))
    except OSError as error:
        where, reason = error.filename or out, (error.strerror or str(error)).lower()
        raise Failed(catalog.not_drawn(str(where), reason)) from error
    return written, told


def _write(file: Path, data: bytes) -> str:
    file.write_bytes(data)
    return str(file)


def render(runs: Sequence[Recorded], drawn: Sequence[Drawn]) -> str:
    """The page."""
    title = runs[0].name if len(runs) == 1 else f"{len(runs)} runs compared"
    below = ", ".join(f"{run.name}: {_length(run)}" for run in runs)
    names = [run.name for run in runs]
    numbers = list(range(len(runs))) if len(runs) > 1 else []
    parts = [section("runs", table(("run", *_facts_head(runs)), _facts(runs), colours=numbers))]
    if len(runs) > 1:
        values = range(1, 1 + len(runs))
        differing = table(("key", *names), differences(runs), words=values)
        parts.append(section("where the specs differ", differing))
    parts += [
        section(
            each.title,
            figures([draw(chart) for _, chart in each.charts]),
            table((f"measured once in {each.title}", *names), each.single),
        )
        for each in drawn
    ]
    parts.append(
        section(
            "the plan beside what was measured",
            table(HEAD, [row for run in runs for row in beside(run)], words=(1,)),
        )
    )
    parts += [saved_samples(run) for run in runs]
    parts.append(section("specs", *(folded(f"resolved spec of {run.name}", run.spec) for run in runs)))
    return page(title, below, [part for part in parts if part])


def _length(run: Recorded) -> str:
    total = run.plan.get("steps")
    return f"step {run.last_step}" + (f" of {total}" if total else "")


_FACTS = (
    ("training loss", "training_loss"),
    ("examples seen", "examples_seen"),
    ("epochs", "epoch"),
    ("images/s and device", "img/sec/core"),
    ("device-hours", "core_hours"),
)


def _facts_head(runs: Sequence[Recorded]) -> list[str]:
    return ["last step", *(title for title, _ in _FACTS), *_results(runs)]


def _facts(runs: Sequence[Recorded]) -> list[list[str]]:
    """The newest numbers of each run; of evaluations their first metric."""
    rows: list[list[str]] = []
    for run in runs:
        names = [*(name for _, name in _FACTS), *_results(runs)]
        values = [run.last(name) for name in names]
        rows.append([run.name, str(run.last_step), *("" if v is None else f"{v:.6g}" for v in values)])
    return rows


def _results(runs: Sequence[Recorded]) -> list[str]:
    """The first metric of each evaluation."""
    first: dict[str, str] = {}
    for run in runs:
        for name in run.metrics:
            evaluation = name.rpartition("/")[0]
            if evaluation:
                first.setdefault(evaluation, name)
    return list(first.values())


def _file(metric: str, written: Sequence[str]) -> str:
    """A file's name for a metric: letters, digits and `._-` of it, and a number where two would be the same."""
    taken = {Path(file).name for file in written}
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", metric).strip("._") or "metric"
    name, number = f"{plain}.png", 1
    while name in taken:
        number += 1
        name = f"{plain}_{number}.png"
    return name
