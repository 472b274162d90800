"""Arguments and flags that several commands take, declared once."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Format(str, Enum):  # noqa: UP042 - StrEnum shows its members differently in `--help`
    """How diagnostics are printed."""

    text = "text"
    short = "short"
    json = "json"


Spec = Annotated[str, typer.Argument(metavar="SPEC", help="FILE.toml or FILE.toml:param=value,flag")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set any leaf of the spec.")
]
Workdir = Annotated[
    str, typer.Option("--workdir", metavar="DIR", help="Where the run keeps its state and results.")
]
DataDir = Annotated[
    str | None, typer.Option("--data-dir", metavar="DIR", help="Where data lies; default $TFDS_DATA_DIR.")
]
Shown = Annotated[Format, typer.Option("--format", help="How diagnostics are printed.")]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="FIRST:LAST", help="Write a profiler trace of these steps into the workdir."
    ),
]
Coordinator = Annotated[
    str | None,
    typer.Option(
        "--coordinator", metavar="HOST:PORT", help="Where process 0 of several is; SLURM and others tell."
    ),
]
Processes = Annotated[
    int | None, typer.Option("--processes", metavar="N", help="How many processes run together.")
]
Process = Annotated[
    int | None, typer.Option("--process", metavar="I", help="The number of this one, from 0.")
]
