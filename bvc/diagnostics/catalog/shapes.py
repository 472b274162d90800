"""B0301-B0309: settings that do not fit together, shapes, and wiring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import listing


def refused_setting(owner: str, setting: str, reason: str, place: Origin, help: str | None) -> Diagnostic:
    """B0301: a component refuses a setting, alone or together with others."""
    return Diagnostic(
        "B0301",
        f"`{setting}` {reason}",
        place.mend,
        f"refused by `{owner}`",
        help=help or f"`bvc explain {owner}` says what `{setting}` means",
        origin=place,
    )


def refused_port(
    owner: str, port: str, reason: str, place: Origin, help: str | None, maker: Label | None = None
) -> Diagnostic:
    """B0302: a component refuses the array that arrives at one of its ports."""
    return Diagnostic(
        "B0302",
        f"`{owner}` cannot use what arrives at `{port}`: it {reason}",
        place.mend,
        f"reads `{port}`",
        labels=(maker,) if maker else (),
        help=help or f"`bvc explain {owner}` says what `{port}` must be",
        origin=place,
    )


def shape_mismatch(
    owner: str, port: str, declared: str, path: str, arrives: str, place: Origin, maker: Label | None
) -> Diagnostic:
    """B0303: the shape or dtype of an array does not fit the port it is wired to."""
    return Diagnostic(
        "B0303",
        f"`{path}` does not fit port `{port}` of `{owner}`",
        place.mend,
        f"reads `{declared}`",
        labels=(maker,) if maker else (),
        notes=(f"`{path}` is {arrives}",),
        help=f"make `{path}` {declared.split(': ', 1)[-1]}, or wire another array: `feeds = {{ {port} = ... }}`",
        origin=place,
    )


def dims_differ(
    dim: str,
    first: tuple[str, int],
    second: tuple[str, int],
    owner: str,
    place: Origin,
    makers: Sequence[Label],
) -> Diagnostic:
    """B0304: a dim that must be the same in two arrays is not."""
    return Diagnostic(
        "B0304",
        f"dim `{dim}` of `{owner}` is {first[1]} in `{first[0]}` and {second[1]} in `{second[0]}`",
        place.mend,
        f"needs the same `{dim}` in both",
        labels=tuple(makers),
        help=f"change the settings that make one of them, so that both are {first[1]} or {second[1]}",
        origin=place,
    )


def nothing_wired(
    owner: str,
    port: str,
    declared: str,
    place: Origin,
    known: Sequence[str],
    fitting: Sequence[str],
    pointed: Label | None,
) -> Diagnostic:
    """B0305: a port finds no array of its name. `fitting` are the paths of those that it would take."""
    help = f"let the pipeline write `{port}` (`to='{port}'`) and keep it"
    if fitting:
        help += f', or wire an array by hand: `feeds = {{ {port} = "{fitting[0]}" }}`'
    return Diagnostic(
        "B0305",
        f"nothing is wired to port `{port}` of `{owner}`",
        place.mend,
        f"reads `{declared}`",
        labels=(pointed,) if pointed else (),
        notes=(f"there are {listing(known)}",) if known else ("there are no arrays to read",),
        help=help,
        origin=place,
    )


def raised(owner: str, error: str, where: str, place: Origin) -> Diagnostic:
    """B0306: a component of the user raised an error while it was built or its shapes were worked out."""
    return Diagnostic(
        "B0306",
        f"`{owner}` failed: {error}",
        place.mend,
        f"raised at {where}",
        help="correct the component, or the settings that lead there",
        origin=place,
    )


def bad_result(owner: str, wanted: str, found: str, where: str, place: Origin) -> Diagnostic:
    """B0307: a component does not return what its kind has to."""
    return Diagnostic(
        "B0307",
        f"`{owner}` returns {found}, not {wanted}",
        place.mend,
        f"declared at {where}",
        help=f"let it return {wanted}",
        origin=place,
    )


def not_static(setting: str, path: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0308: a setting of the model's call is fed by what is no static draw."""
    return Diagnostic(
        "B0308",
        f"`{path}` cannot set `{setting}`",
        place.mend,
        "no static draw",
        notes=(f"static draws: {listing(known)}",) if known else ("there are no static draws",),
        help=f"a setting of the call is fixed when the step is compiled: `[{path}]` with `static = true`",
        origin=place,
    )


def unread_draw(name: str, place: Origin) -> Diagnostic:
    """B0309: nothing reads a draw."""
    return Diagnostic(
        "B0309",
        f"nothing reads the draw `{name}`",
        place.mend,
        "drawn for nothing",
        help=f'feed it to what needs it, `feeds = {{ ... = "draws.{name}" }}`, or leave it out',
        origin=place,
    )


def in_evaluation(diagnostic: Diagnostic, evaluation: str, place: Origin) -> Diagnostic:
    """A complaint of the model about the batch of an evaluation, told where the evaluation stands."""
    labels = (
        (*diagnostic.labels, Label(diagnostic.place, "the model")) if diagnostic.place else diagnostic.labels
    )
    label = f"`evals.{evaluation}` makes this batch"
    return replace(diagnostic, place=place.mend, label=label, labels=labels, origin=place)
