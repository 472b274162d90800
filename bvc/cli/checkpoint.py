"""`bvc checkpoint inspect|convert|verify`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from bvc.cli.report import CLEAN, ERRORS, report, say
from bvc.diagnostics import Failed, Sources

checkpoint = typer.Typer(help="Look into, convert and verify checkpoints.", no_args_is_help=True)

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="FILE.npz, FILE.safetensors, FILE.msgpack, big_vision's checkpoint.bv or TensorFlow's FILE.ckpt, any "
        "with :SUBTREE, or a workdir.",
    ),
]
Model = "A spec or a table of one (std:checkpoint/siglip.toml#b16_224) whose model the file is for"


@checkpoint.command("inspect")
def inspect(file: File) -> None:
    """List names, shapes and dtypes, and say who wrote the file and for which model."""
    raise typer.Exit(_told(lambda _: _inspect(file)))


@checkpoint.command("convert")
def convert(
    source: Annotated[str, typer.Argument(metavar="FROM", help="What is read; as for `inspect`.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="FILE.npz or FILE.safetensors, not there yet.")],
    spec: Annotated[
        str | None,
        typer.Option("--spec", metavar="SPEC", help=f"{Model}: names, layouts and sizes become its own."),
    ] = None,
) -> None:
    """Write parameters to .npz or .safetensors, under big_vision's names."""
    raise typer.Exit(_told(lambda sources: _convert(source, target, spec, sources)))


@checkpoint.command("verify")
def verify(
    file: File,
    spec: Annotated[
        str | None, typer.Argument(metavar="[SPEC]", help=f"{Model}; default the card of that name.")
    ] = None,
) -> None:
    """Read a file to its end, compare it with what was published, and with the model that it is for."""
    raise typer.Exit(_told(lambda sources: _verify(file, spec, sources)))


def _told(command: Callable[[Sources], int]) -> int:
    sources = Sources()
    try:
        return command(sources)
    except Failed as failure:
        return report(failure.diagnostics, sources)


def _inspect(file: str) -> int:
    from bvc.runtime.checkpoints.conversion import inspect

    content = inspect(file)
    width = max(map(len, content.arrays), default=0)
    for name, array in content.arrays.items():
        typer.echo(f"{name:<{width}}  {array}")
    if content.step is not None:
        say(f"{len(content.arrays)} arrays: the state of bvc after step {content.step}")
    else:
        say(f"{len(content.arrays)} arrays: {content.family or 'names that bvc does not know'}")
    return CLEAN


def _convert(source: str, target: str, spec: str | None, sources: Sources) -> int:
    from pathlib import Path

    from bvc.runtime.checkpoints.conversion import convert

    typer.echo(f"{convert(source, Path(target), spec, sources)} arrays written to {target}")
    return CLEAN


def _verify(file: str, spec: str | None, sources: Sources) -> int:
    from bvc.runtime.checkpoints.conversion import reasons, saved_in, verify
    from bvc.runtime.checkpoints.stored import steps

    folder = saved_in(file)
    if folder is not None:
        wrong = reasons(folder)
        for step in steps(folder):
            typer.echo(f"step {step}: {wrong.get(step, 'as it was saved')}")
        return ERRORS if wrong else CLEAN
    verdict = verify(file, spec, sources)
    if verdict.sha256 is not None:
        typer.echo(f"sha256 {verdict.sha256}{_known(verdict.card)}")
    if verdict.report is None:
        typer.echo("read to its end; with a SPEC its arrays are compared with a model")
    else:
        typer.echo(verdict.report)
    return CLEAN


def _known(card: object) -> str:
    from bvc.runtime.checkpoints.published import Card

    if not isinstance(card, Card):
        return ""
    return f", as {card.use} says" if card.sha256 else f"; {card.use} states none"
