"""`bvc data convert SOURCE`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from bvc.api import data_root
from bvc.cli.arguments import pairs
from bvc.cli.progress import shown
from bvc.cli.report import CLEAN, report, say
from bvc.diagnostics import Failed, Sources


def convert(source: str, name: str | None, files: Sequence[str], data_dir: str | None) -> int:
    """Write a source as ArrayRecord; 75 when a signal stopped it and the same command continues."""
    from bvc.component.error import DataError
    from bvc.diagnostics.catalog import missing as catalog
    from bvc.runtime.datasets.convert import convert as write
    from bvc.runtime.feed.stored_source import find_source
    from bvc.runtime.interruption import EXIT, Interruption, Stopped

    try:
        with Interruption() as interruption, shown("convert") as told:
            found = find_source(source, pairs(files, "--files"))
            target, _, version = (name or found.name).partition(":")
            done = write(
                found,
                target,
                version or found.version or "1.0.0",
                data_root(data_dir),
                told,
                interruption.check,
            )
    except Stopped:
        say(f"stopped by {interruption.signal}; the same command continues")
        return EXIT
    except Failed as failure:
        return report(failure.diagnostics, Sources())
    except DataError as error:
        return report([catalog.data_unreadable(error.what, error.looked, None, error.help)], Sources())
    examples = ", ".join(f"{split} {count}" for split, count in done.examples.items())
    typer.echo(f"{'wrote' if done.written else 'already in'} {done.folder}: {examples}")
    features = ", ".join(f'{_key(feature)} = "{type_}"' for feature, type_ in done.features.items())
    typer.echo("in a spec:")
    typer.echo(f'  source = {{ type = "tfds", name = "{target}", version = "{done.folder.name}" }}')
    typer.echo(f"  features = {{ {features} }}")
    return CLEAN


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f'"{name}"'
