"""The commands and their flags. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bvc.cli.checkpoint import checkpoint
from bvc.cli.data import data
from bvc.cli.interpreter import undisturbed
from bvc.cli.launch import Place
from bvc.cli.options import (
    Coordinator,
    DataDir,
    Format,
    Process,
    Processes,
    Profile,
    Sets,
    Shown,
    Spec,
    Workdir,
)
from bvc.cli.processes import Flags, alongside
from bvc.plan.gpu_memory import claim

app = typer.Typer(
    name="bvc",
    help="A compiler for vision experiments: check, plan and run what a TOML file describes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data, name="data")
app.add_typer(checkpoint, name="checkpoint")


@app.command()
def check(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...")],
    sets: Sets = None,
    format: Shown = Format.text,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
) -> None:
    """Say everything that is wrong with a spec, without data and without an accelerator."""
    from bvc.cli.check import check as command

    raise typer.Exit(command(specs, sets or [], format.value, strict))


@app.command()
def run(
    spec: Spec,
    workdir: Annotated[
        str | None,
        typer.Option("--workdir", metavar="DIR", help="Where the run keeps its state and results."),
    ] = None,
    sets: Sets = None,
    data_dir: DataDir = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Run even if the plan does not fit.")] = False,
    smoke: Annotated[
        bool,
        typer.Option("--smoke", help="Two steps with a small model on generated data; nothing is kept."),
    ] = False,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    profile: Profile = None,
) -> None:
    """Train. The same command with the same workdir continues where it stopped."""
    from bvc.cli import run as command
    from bvc.cli.arguments import profiled

    steps = profiled(profile)
    if smoke == (workdir is not None):
        told = "`--smoke` keeps nothing: leave one of the two out" if smoke else "is missing, or `--smoke`"
        raise typer.BadParameter(told, param_hint="--workdir")
    if workdir is None:
        if steps or coordinator or processes is not None or process is not None:
            told = "`--profile` and the flags of several processes need a run of its own"
            raise typer.BadParameter(told, param_hint="--smoke")
        raise typer.Exit(command.smoke(spec, sets or []))
    flags = Flags(coordinator, processes, process)
    raise typer.Exit(
        alongside(
            flags,
            lambda tells: command.run(spec, sets or [], workdir, data_dir, anyway, tells, profile=steps),
        )
    )


@app.command("eval")
def evaluate(
    spec: Spec,
    workdir: Annotated[
        str | None,
        typer.Option(
            "--workdir", metavar="DIR", help="Whose checkpoint; default that of the model's `init`."
        ),
    ] = None,
    sets: Sets = None,
    data_dir: DataDir = None,
    step: Annotated[int | None, typer.Option("--step", help="Which checkpoint; default the last.")] = None,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
) -> None:
    """Run the evaluators of a spec on a checkpoint: of a workdir, or that its model starts from."""
    from bvc.cli.evaluate import evaluate as command

    flags = Flags(coordinator, processes, process)
    raise typer.Exit(
        alongside(flags, lambda tells: command(spec, sets or [], workdir, data_dir, step, tells))
    )


@app.command()
def plan(
    spec: Spec,
    sets: Sets = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Hardware to plan for; default this machine.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the plan for a program.")] = False,
    params: Annotated[bool, typer.Option("--params", help="List every parameter.")] = False,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write a page too: memory over a step, layout."),
    ] = None,
    data: Annotated[
        bool, typer.Option("--data", help="The pipelines instead: what runs where, rates, host memory.")
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Ask the target's compiler too; the target need not be here.")
    ] = False,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Search the fastest mesh, layout, remat, parts and precision that fit."),
    ] = False,
) -> None:
    """Say what a run will cost: memory, collectives, FLOPs, host work."""
    from bvc.cli import plan as command

    if fit:
        if params or html or data or compiled:
            told = "prints flags, not a plan: leave out `--params`, `--html`, `--data` and `--compile`"
            raise typer.BadParameter(told, param_hint="--fit")
        from bvc.cli.fit import fit as search

        raise typer.Exit(search(spec, sets or [], target, json))
    if data:
        raise typer.Exit(command.plan_data(spec, sets or [], json))
    raise typer.Exit(command.plan(spec, sets or [], target, json, params, html, compiled))


@app.command()
def launch(
    spec: Spec,
    workdir: Workdir,
    place: Annotated[Place, typer.Option("--print", help="What the script is for.")],
    sets: Sets = None,
    data_dir: DataDir = None,
    name: Annotated[str | None, typer.Option(help="Name of job or TPU; default that of the spec.")] = None,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; each runs one process.")] = 1,
    devices: Annotated[int, typer.Option(min=1, help="Devices of a machine.")] = 8,
    zone: Annotated[str | None, typer.Option(help="Zone of the TPU VM.")] = None,
    image: Annotated[str | None, typer.Option(help="Container image with bvc, for gke.")] = None,
    resource: Annotated[str, typer.Option(help="What gke calls the devices.")] = "nvidia.com/gpu",
    select: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Labels of the nodes, for gke.")
    ] = None,
    volumes: Annotated[
        list[str] | None,
        typer.Option("--volume", metavar="CLAIM:/PATH", help="A file system that pods share, for gke."),
    ] = None,
    slices: Annotated[int, typer.Option(min=1, help="TPU slices of so many machines, for gke.")] = 1,
) -> None:
    """Print the script that starts a run on several machines."""
    from bvc.cli.launch import Launch, command_of, name_of, script

    command = command_of(spec, workdir, sets or [], data_dir)
    pods = (image, resource, tuple(select or ()), tuple(volumes or ()), slices)
    try:
        text = script(place, Launch(command, name or name_of(spec), nodes, devices, zone, *pods))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(text, nl=False)


@app.command()
def show(
    spec: Spec,
    sets: Sets = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each leaf came from.")] = False,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE.png", help="Draw the schedules into a file instead.")
    ] = None,
) -> None:
    """Print the resolved spec."""
    from bvc.cli import show as command

    if plot:
        raise typer.Exit(command.plot(spec, sets or [], plot))
    raise typer.Exit(command.show(spec, sets or [], origin))


@app.command()
def report(
    workdirs: Annotated[list[str], typer.Argument(metavar="WORKDIR...")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where the page and the PNGs go.")],
) -> None:
    """Write what runs have recorded as one HTML page and PNGs; several runs are compared."""
    from bvc.cli.run_report import run_report as command

    raise typer.Exit(command(workdirs, out))


@app.command("list")
def list_components(
    kind: Annotated[str | None, typer.Argument(help="model, op, objective, ...; default all kinds")] = None,
    imports: Annotated[
        list[str] | None, typer.Option("--import", help="Modules with components of your own.")
    ] = None,
) -> None:
    """List components."""
    from bvc.cli.listing import list_components as command

    raise typer.Exit(command(kind, imports or []))


@app.command()
def explain(
    name: Annotated[
        str, typer.Argument(metavar="NAME|CODE", help="A component, or the code of a diagnostic.")
    ],
    imports: Annotated[
        list[str] | None, typer.Option("--import", help="Modules with components of your own.")
    ] = None,
) -> None:
    """Explain a component or a diagnostic."""
    from bvc.cli.explain import explain as command

    raise typer.Exit(command(name, imports or []))


@app.command()
def schema(
    imports: Annotated[
        list[str] | None, typer.Option("--import", help="Modules with components of your own.")
    ] = None,
) -> None:
    """Print the JSON Schema of specs, for editors."""
    from bvc.cli.schema import schema as command

    raise typer.Exit(command(imports or []))


def main() -> None:
    """Entry point of `bvc`."""
    claim(os.environ)
    undisturbed(app)
