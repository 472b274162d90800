"""What the commands' arguments mean, beyond their types."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import names


def settings(sets: Sequence[str]) -> list[tuple[str, str]]:
    """`PATH=VALUE` of each `--set`.

    Raises:
        typer.BadParameter: one has no `=`.
    """
    return _split(sets, "--set", "PATH=VALUE, such as optimizer.lr=3e-4")


def pairs(given: Sequence[str], flag: str) -> dict[str, str]:
    """`FIELD=FOLDER` of each time that a flag was given.

    Raises:
        typer.BadParameter: one has no `=`.
    """
    return dict(_split(given, flag, "FIELD=FOLDER, such as image=images"))


def _split(given: Sequence[str], flag: str, form: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for each in given:
        path, equals, value = each.partition("=")
        if not equals or not path.strip():
            raise typer.BadParameter(f"`{each}` is not {form}", param_hint=flag)
        found.append((path.strip(), value.strip()))
    return found


def profiled(text: str | None) -> tuple[int, int] | None:
    """The first and the last step of `--profile FIRST:LAST`.

    Raises:
        typer.BadParameter: it is not of that form, or no step lies between them.
    """
    first, _, last = (text or "").partition(":")
    if text is None:
        return None
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise typer.BadParameter(
            f"`{text}` is not FIRST:LAST, two steps counted from 1, such as 10:15", param_hint="--profile"
        )
    return int(first), int(last)


def import_components(modules: Sequence[str]) -> None:
    """Import modules with components of the user's own.

    Raises:
        Failed: one of them cannot be imported.
    """
    from bvc.component.registry import LoadError, load

    for module in modules:
        try:
            load(module)
        except LoadError as error:
            raise Failed(names.import_failed(module, str(error), None)) from error
