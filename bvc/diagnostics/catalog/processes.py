"""B0561-B0569: a run of several processes."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.suggest import listing


def cluster_unclear(reason: str, lacking: Sequence[str] = ()) -> Diagnostic:
    """B0561: flags and environment do not say which processes make up the run."""
    return Diagnostic(
        "B0561",
        f"cannot tell which processes belong to this run: {reason}",
        help=f"give {listing(lacking)}"
        if lacking
        else "give `--coordinator HOST:PORT --processes N --process I`, the same but for I to every process",
    )


def cannot_join(coordinator: str, process: int, processes: int, seconds: int, reason: str) -> Diagnostic:
    """B0562: the processes of a run did not come together."""
    return Diagnostic(
        "B0562",
        f"process {process} of {processes} did not meet the others within {seconds} seconds",
        notes=(f"process 0 is expected at {coordinator}", reason),
        help="start all of them, and let them reach that address; `--coordinator` names another one",
    )


def process_lost(process: int, reason: str) -> Diagnostic:
    """B0563: another process of the run has ended, so that this one cannot go on."""
    return Diagnostic(
        "B0563",
        f"another process of this run has ended; process {process} ends too",
        notes=tuple(note for note in (reason, "what the others printed says why") if note),
        help="start all processes again: the run continues from its last checkpoint",
    )


def workdir_not_shared(workdir: str, process: int) -> Diagnostic:
    """B0564: a process does not see the work directory that process 0 opened."""
    return Diagnostic(
        "B0564",
        f"process {process} does not see the work directory `{workdir}` that process 0 has opened",
        help="give `--workdir` a folder of a file system that all hosts share, or a bucket (`gs://`, `s3://`)",
    )
