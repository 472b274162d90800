"""B0550-B0559: reports and drawings of runs, and writers of metrics besides bvc's own."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.suggest import listing


def not_a_workdir(folder: str, found: Sequence[str]) -> Diagnostic:
    """B0550: a report was asked for of what is no work directory; `found` is what lies there."""
    there = f"it holds {listing(found, 4)}" if found else "there is no such folder, or it is empty"
    return Diagnostic(
        "B0550",
        f"`{folder}` is no work directory",
        notes=(f"{there}; a work directory holds `spec.toml`",),
        help="give the folder that was the `--workdir` of a run",
    )


def no_metrics(folder: str) -> Diagnostic:
    """B0551: a work directory without a single row of metrics."""
    return Diagnostic(
        "B0551",
        f"the run in `{folder}` has measured nothing yet",
        notes=("its `big_vision_metrics.txt` holds no row",),
        help="wait until its first step is logged, or leave it out",
    )


def row_unreadable(file: str, line: int, last: bool) -> Diagnostic:
    """B0552: a line of a metrics file is no row and is left out; the last one may still be being written."""
    why = "it was cut off, or is being written" if last else "it is not one JSON object with a `step`"
    return Diagnostic(
        "B0552", f"line {line} of `{file}` is left out: {why}", severity="note" if last else "warning"
    )


def not_drawn(where: str, reason: str) -> Diagnostic:
    """B0553: a page or a picture cannot be written."""
    return Diagnostic(
        "B0553", f"cannot write `{where}`: {reason}", help="name a folder in which you may write"
    )


def writer_missing(writer: str, module: str, extra: str) -> Diagnostic:
    """B0554: `run.writers` names a writer whose package is not installed."""
    return Diagnostic(
        "B0554",
        f"the writer `{writer}` of `run.writers` needs the package `{module}`, which is not installed",
        help=f"`pip install 'bvc[{extra}]'`, or leave `{writer}` out of `run.writers`",
    )


def writer_failed(writer: str, reason: str) -> Diagnostic:
    """B0555: a writer of `run.writers` does not do its work: no account, no connection, no space."""
    return Diagnostic(
        "B0555",
        f"the writer `{writer}` of `run.writers` failed",
        notes=(reason.strip().split("\n", 1)[0],) if reason.strip() else (),
        help=f"mend that, or leave `{writer}` out of `run.writers`; the same command continues the run",
    )
