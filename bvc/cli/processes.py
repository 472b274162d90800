"""Commands that several processes run together: each is started with the same command and finds the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bvc.cli.report import CLEAN, ERRORS, Tells, report, tells_all
from bvc.diagnostics import Failed, Sources


@dataclass(frozen=True, slots=True)
class Flags:
    """`--coordinator`, `--processes` and `--process`, which the environment completes."""

    coordinator: str | None
    processes: int | None
    process: int | None


def alongside(flags: Flags, work: Callable[[Tells], int]) -> int:
    """Do a command's work as one of the processes of a run, or alone; its exit status.

    Args:
        flags: which processes there are, as far as flags say.
        work: the command; is given what says whether this process is to print a text.
    """
    from bvc.runtime.processes.cluster import resolve

    try:
        cluster = resolve(flags.coordinator, flags.processes, flags.process)
        if cluster is None:
            return work(tells_all)
        from bvc.runtime.interruption import EXIT
        from bvc.runtime.processes.lost import watched
        from bvc.runtime.processes.peers import Elsewhere, join, leave, tells

        join(cluster)
    except Failed as failure:
        return report(failure.diagnostics, Sources())
    with watched():
        try:
            status = work(tells)
        except Elsewhere:
            status = ERRORS
        leave(status, well=status in (CLEAN, EXIT))
    return status
