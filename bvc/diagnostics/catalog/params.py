"""B01: params (B0152 to B0156, B0163, B0164)."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Place
from bvc.diagnostics.suggest import did_you_mean, listing


def param_type(
    places: Sequence[Place], name: str, wanted: str, value: object, found: str, declared: Place
) -> Diagnostic:
    """B0152: a value that is not of the param's type. `places` lead from its use to where it was written."""
    help = None
    if value in ("True", "False") and wanted == "bool":
        help = f"write `{str(value).lower()}`"
    elif isinstance(value, str) and wanted in ("int", "float") and value.replace(".", "", 1).isdecimal():
        help = f"remove the quotes: `{value}`"
    elif wanted == "duration":
        help = 'give a number with its unit, such as `"1_000 steps"` or `"10%"`'
    article = "an" if wanted[:1] in "aeiou" else "a"
    message = f"param `{name}` takes {article} {wanted}, found {found}"
    labels = (Label(declared, f"declares the type: {wanted}"),)
    return Diagnostic("B0152", message, places[-1], found.split(" ", 1)[-1], labels, help=help)


def not_a_choice(
    place: tuple[Place, ...], name: str, value: object, choices: Sequence[object], declared: Place
) -> Diagnostic:
    """B0153: a value that `choices` does not list."""
    help = did_you_mean(str(value), [str(c) for c in choices]) or f"choose one of {listing(choices)}"
    labels = (Label(declared, "the choices"),)
    return Diagnostic(
        "B0153", f"`{value}` is not a choice of param `{name}`", place[-1], "", labels, help=help
    )


def unknown_param(place: Place, name: str, file: str, known: Sequence[str]) -> Diagnostic:
    """B0154: a param is set that the file does not declare."""
    notes = (f"it has {listing(known)}" if known else "it has no params",)
    message = f"`{file}` has no param `{name}`"
    return Diagnostic("B0154", message, place, "unknown param", (), notes, did_you_mean(name, known))


def param_required(place: Place, name: str, file: str, declared: Place, *, command_line: bool) -> Diagnostic:
    """B0155: a param without default that nobody gave."""
    if command_line:
        help = f"give it on the command line: `{file}:{name}=...`"
        return Diagnostic("B0155", f"param `{name}` needs a value", declared, "has no default", help=help)
    labels = (Label(declared, "declared without a default"),)
    help = f"add `with = {{ {name} = ... }}` beside this `use`"
    return Diagnostic(
        "B0155", f"param `{name}` of `{file}` needs a value", place, "not given", labels, help=help
    )


# B0156: the declaration of a param is no declaration


def unknown_declaration_key(place: Place, name: str, key: str, known: Sequence[str]) -> Diagnostic:
    """A key of a param's table that means nothing."""
    help = (
        did_you_mean(key, known)
        or f"a default that is a table is written `{name} = {{ default = {{ ... }} }}`"
    )
    message = f"unknown key `{key}` in the declaration of param `{name}`"
    return Diagnostic("B0156", message, place, "", (), (f"a declaration takes {listing(known)}",), help)


def unknown_type(place: Place, name: str, found: object, known: Sequence[str]) -> Diagnostic:
    """A `type` that is no type."""
    help = did_you_mean(str(found), known) or f"types are {listing(known)}"
    return Diagnostic("B0156", f"param `{name}` has an unknown type", place, "not a type", help=help)


def bad_declaration(place: Place, name: str, reason: str) -> Diagnostic:
    """A key of a param's table that has the wrong form."""
    return Diagnostic("B0156", f"bad declaration of param `{name}`", place, reason)


def bad_name(place: Place, name: str, what: str, reason: str) -> Diagnostic:
    """B0163: a param or let that no expression could name."""
    help = "use letters, digits and `_`, beginning with a letter"
    return Diagnostic("B0163", f"{what} cannot be called `{name}`", place, reason, help=help)


def name_taken(place: Place, name: str, other: Place) -> Diagnostic:
    """B0163: a let with the name of a param."""
    labels = (Label(other, "a param of the same name"),)
    return Diagnostic(
        "B0163", f"`{name}` is both a param and a let", place, "a let", labels, help="rename one of them"
    )


def bad_command_line(place: Place, reason: str, help: str | None = None) -> Diagnostic:
    """B0164: params or settings on the command line that cannot be read."""
    return Diagnostic("B0164", f"cannot read this: {reason}", place, help=help)


def given_twice(place: Place, name: str, first: Place) -> Diagnostic:
    """B0164: a param set twice on the command line."""
    return Diagnostic(
        "B0164", f"param `{name}` is set twice", place, "again here", (Label(first, "first here"),)
    )


def value_without_toml(place: Place | None, name: str, found: str) -> Diagnostic:
    """B0152: a Python value that TOML cannot hold."""
    return Diagnostic("B0152", f"param `{name}` got a Python `{found}`, which a spec cannot hold", place)
