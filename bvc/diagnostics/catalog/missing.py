"""B0501-B0506: what the place of the run lacks: data, files, checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import listing


def data_missing(what: str, looked: Sequence[str], command: str | None, place: Origin | None) -> Diagnostic:
    """B0501: data that a spec or a command reads is not on this machine."""
    return Diagnostic(
        "B0501",
        f"no {what} on this machine",
        place.mend if place else None,
        "read here",
        notes=(f"looked in {listing(looked)}",) if looked else (),
        help=f"prepare it: `{command}`" if command else "say where it lies: `--data-dir DIR`",
        origin=place,
    )


def file_missing(path: str, place: Origin, looked: Sequence[str], variable: str) -> Diagnostic:
    """B0502: a file that a setting names is not on this machine."""
    return Diagnostic(
        "B0502",
        f"no file `{path}`",
        place.mend,
        "not on this machine",
        notes=(f"looked for {listing(looked)}",),
        help=f"put it there, correct the path, or name its folder in `${variable}`",
        origin=place,
    )


def checkpoint_missing(path: str, place: Origin, looked: Sequence[str], variable: str) -> Diagnostic:
    """B0503: a checkpoint that `init` names is not on this machine."""
    return Diagnostic(
        "B0503",
        f"no checkpoint `{path}`",
        place.mend,
        "not on this machine",
        notes=(f"looked for {listing(looked)}", "bvc downloads nothing when it runs"),
        help=f"put the file there, or name its folder in `${variable}`; without `init` the model starts from scratch",
        origin=place,
    )


def checkpoint_unfit(
    path: str, reason: str, place: Origin, notes: Sequence[str], help: str | None
) -> Diagnostic:
    """B0504: a checkpoint that `init` names does not fit the model, or is damaged."""
    return Diagnostic(
        "B0504",
        f"cannot start from `{path}`: {reason}",
        place.mend,
        "named here",
        notes=tuple(notes),
        help=help or "name another checkpoint, or leave parameters out by `init_skip`",
        origin=place,
    )


def data_unreadable(reason: str, looked: str, place: Origin | None, help: str | None) -> Diagnostic:
    """B0505: data or one of its records cannot be read."""
    return Diagnostic(
        "B0505",
        reason,
        place.mend if place else None,
        "read here",
        notes=(f"in {looked}",) if looked else (),
        help=help or "mend or replace the file that is named",
        origin=place,
    )


def checkpoint_unusable(file: str, reason: str, notes: Sequence[str], help: str | None) -> Diagnostic:
    """B0506: a file that was given to `bvc checkpoint` cannot be read, does not fit, or cannot be written."""
    return Diagnostic(
        "B0506",
        f"cannot use `{file}`: {reason}",
        notes=tuple(notes),
        help=help or "fetch the file again, or name another",
    )
