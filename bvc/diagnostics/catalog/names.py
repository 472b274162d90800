"""B0101-B0111, B0117, B0130-B0139: keys, components, types, choices and wires."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import did_you_mean, listing

EVERYWHERE = frozenset({"type", "feeds", "init", "init_skip"})
"""Keys of every component or every model: true, but no news, where the keys of one are listed."""


def missing_key(key: str, owner: str, place: Origin, what: str, doc: str = "") -> Diagnostic:
    """B0101: a table lacks a key that has no default; `what` is its type, `doc` what it means."""
    return Diagnostic(
        "B0101",
        f"{_quoted(owner)} lacks `{key}`",
        place.mend,
        f"needs `{key}`: {what}",
        help=f"add `{key} = ...`: {doc or what}",
        origin=place,
    )


def unknown_key(
    key: str, owner: str, place: Origin, known: Sequence[str], chosen: Label | None = None, who: str = ""
) -> Diagnostic:
    """B0102: a key that means nothing to its reader. `chosen` labels the `type` that decided the keys."""
    taker = _quoted(who or owner)
    telling = sorted(name for name in known if name not in EVERYWHERE)
    return Diagnostic(
        "B0102",
        f"unknown key `{key}` in {_quoted(owner)}",
        place.mend,
        f"not a key of {taker}",
        labels=(chosen,) if chosen else (),
        notes=(f"{taker} takes {listing(telling, 20)}",) if telling else (),
        help=did_you_mean(key, known) or f"remove `{key}`",
        origin=place,
    )


def unknown_component(kind: str, name: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0103: `type` names no component of this kind."""
    return Diagnostic(
        "B0103",
        f"unknown {kind} `{name}`",
        place.mend,
        f"no {kind} has this name",
        notes=() if did_you_mean(name, known) else (f"`bvc list {kind}` prints all {len(known)}",),
        help=did_you_mean(name, known) or f"remove `{name}`, or take a name of the list",
        origin=place,
    )


def unknown_op(name: str, place: Origin, known: Sequence[str], kind: str = "op") -> Diagnostic:
    """B0104: a pipeline calls an op, or `transforms` a transform, that does not exist."""
    return Diagnostic(
        "B0104",
        f"unknown {kind} `{name}`",
        place.mend,
        f"no {kind} has this name",
        notes=() if did_you_mean(name, known) else (f"`bvc list {kind}` prints all {len(known)}",),
        help=did_you_mean(name, known) or f"remove `{name}`, or take a name of the list",
        origin=place,
    )


def unknown_argument(op: str, name: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0105: an op call has an argument that the op does not take."""
    return Diagnostic(
        "B0105",
        f"`{op}` takes no argument `{name}`",
        place.mend,
        f"not an argument of `{op}`",
        notes=(f"`{op}` takes {listing(known)}",) if known else (f"`{op}` takes no arguments",),
        help=did_you_mean(name, known) or f"remove `{name}`, or take a name of the list",
        origin=place,
    )


def surplus_argument(op: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0106: an op call has more positional arguments than the op takes."""
    takes = f"takes {listing(known)} in this order" if known else "takes no arguments by position"
    return Diagnostic(
        "B0106",
        f"too many arguments for `{op}`",
        place.mend,
        "one too many",
        notes=(f"`{op}` {takes}",),
        help="remove it, or name the argument that is meant: `name=value`",
        origin=place,
    )


def repeated_argument(op: str, name: str, place: Origin) -> Diagnostic:
    """B0107: an argument is given by position and by name."""
    return Diagnostic(
        "B0107",
        f"`{name}` of `{op}` is given twice",
        place.mend,
        "already given by position",
        help=f"keep one of the two `{name}`",
        origin=place,
    )


def import_failed(module: str, reason: str, place: Origin | None) -> Diagnostic:
    """B0108: a module named by `import` cannot be imported."""
    return Diagnostic(
        "B0108",
        f"cannot import `{module}`",
        place.mend if place else None,
        reason,
        help=f"install the package that holds `{module}` in this environment, or correct the name",
        origin=place,
    )


def wrong_type(
    expected: str,
    found: str,
    place: Origin,
    *,
    declared: str,
    owner: str = "",
    declared_at: str = "",
    mend: str | None = None,
) -> Diagnostic:
    """B0110: a value of the wrong type."""
    return Diagnostic(
        "B0110",
        f"expected {expected}, found {found}",
        place.mend,
        found.split(" ", 1)[-1] if found.startswith(("a ", "an ")) else found,
        notes=(f"{_quoted(owner)} declares `{declared}`" + (f" ({declared_at})" if declared_at else ""),),
        help=mend or f"give {expected}",
        origin=place,
    )


def not_a_choice(setting: str, value: object, place: Origin, choices: Sequence[object]) -> Diagnostic:
    """B0111: a value that is not among the choices."""
    spelled = [str(choice) for choice in choices]
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    close = did_you_mean(str(value), spelled)
    return Diagnostic(
        "B0111",
        f"`{setting}` cannot be {shown}",
        place.mend,
        "not among the choices",
        notes=(f"choices: {listing(spelled)}",) if close else (),
        help=close or f"take one of {listing(spelled)}",
        origin=place,
    )


def _quoted(owner: str) -> str:
    """A table's name in backquotes; the whole spec has none."""
    return f"`{owner}`" if owner else "the spec"


def excluded(first: str, second: str, owner: str, place: Origin, other: Label) -> Diagnostic:
    """B0117: two keys of one table that mean the same or opposite things."""
    return Diagnostic(
        "B0117",
        f"`{owner}` has both `{first}` and `{second}`",
        place.mend,
        f"`{second}` excludes `{first}`",
        labels=(other,),
        help=f"keep one of `{first}` and `{second}`",
        origin=place,
    )


def unknown_path(path: str, port: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0130: `feeds` names a path that leads nowhere."""
    return Diagnostic(
        "B0130",
        f"`{path}` leads to no array",
        place.mend,
        f"wanted for port `{port}`",
        notes=(f"there are {listing(known)}",) if known else (),
        help=did_you_mean(path, known) or "take one of these paths",
        origin=place,
    )


def unknown_port(owner: str, port: str, place: Origin, known: Sequence[str]) -> Diagnostic:
    """B0131: `feeds` names a port that the component does not have."""
    return Diagnostic(
        "B0131",
        f"`{owner}` has no port `{port}`",
        place.mend,
        "no port of this name",
        notes=(f"its ports: {listing(known)}",) if known else (),
        help=did_you_mean(port, known) or "take one of these ports",
        origin=place,
    )


def feeds_inside(name: str, place: Origin) -> Diagnostic:
    """B0133: `feeds` stands in the table of a model inside another one."""
    return Diagnostic(
        "B0133",
        f"`feeds` wires nothing in `{name}`",
        place.mend,
        "this model is inside another one, which calls it",
        help="wire the outer model: `feeds` in its own table",
        origin=place,
    )


def frozen_untrained(name: str, place: Origin) -> Diagnostic:
    """B0132, a warning: a frozen module starts from no checkpoint, so that it answers at random."""
    return Diagnostic(
        "B0132",
        f"`frozen.{name}` keeps its random initial values",
        place.mend,
        "starts from no checkpoint",
        help='name one: `init = "..."`, in the table or in that of a model inside it',
        severity="warning",
        origin=place,
    )
