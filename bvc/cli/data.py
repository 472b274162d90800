"""`bvc data ...`: the commands of the data, and their flags."""

from __future__ import annotations

from typing import Annotated

import typer

from bvc.cli.options import DataDir, Sets, Spec

data = typer.Typer(
    help="Look at data, measure how fast it comes, bring it into a form that is read quickly.",
    no_args_is_help=True,
)

Files = Annotated[
    list[str] | None,
    typer.Option(
        "--files",
        metavar="FIELD=FOLDER",
        help="Of JSON lines: the field names a file below FOLDER (relative to the lines), whose bytes it becomes.",
    ),
]


@data.command("prepare")
def prepare(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Data sets with a card, NAME or NAME:VERSION.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Download or draw data sets, and write them as ArrayRecord; what is there is left alone."""
    from bvc.cli.data_prepare import prepare as command

    raise typer.Exit(command(names, data_dir))


@data.command("inspect")
def inspect(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE|SPEC",
            help="A data set with a card, a folder, tar or JSON-lines file (`DIR/{split}.tar`), or a spec.",
        ),
    ],
    sets: Sets = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", metavar="SPLIT", help="Such as `train[:99%]`; default the first, or the spec's."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE.png", help="The contact sheet; default NAME-SPLIT.png."),
    ] = None,
    files: Files = None,
    data_dir: DataDir = None,
) -> None:
    """Show features, counts and splits, and write a contact sheet of examples.

    Of a spec the examples of training are shown as they are after its pipeline, of all else as they are stored.
    """
    from bvc.cli.data_inspect import inspect as command

    raise typer.Exit(command(what, sets or [], split, out, files or [], data_dir))


@data.command("bench")
def bench(
    spec: Spec,
    sets: Sets = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="How long to measure: the stages, then the whole feed.")
    ] = 20.0,
    json: Annotated[bool, typer.Option("--json", help="Print what was measured for a program.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Measure images per second of every stage of a spec's data, and say what bounds it."""
    from bvc.cli.data_bench import bench as command

    raise typer.Exit(command(spec, sets or [], seconds, json, data_dir))


@data.command("convert")
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder that TFDS wrote (TFRecord), a folder SPLIT/CLASS/image, or a tar or JSON-lines file, "
            "with `{split}` for the name of the split: `DIR/{split}-*.tar`.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME[:VERSION]", help="The data set that is written; default SOURCE's name."
        ),
    ] = None,
    files: Files = None,
    data_dir: DataDir = None,
) -> None:
    """Write a source as a TFDS data set of ArrayRecord files, which are read at random and quickly.

    It is written to DIR/NAME/VERSION below `--data-dir`, in a shuffled order as by TFDS, whose own is kept. A
    conversion that was interrupted continues when the same command is given again, to the same bytes.
    """
    from bvc.cli.data_convert import convert as command

    raise typer.Exit(command(source, name, files or [], data_dir))
