"""B02: fragments, references, whens and fors (B0201 to B0249)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Origin, Place
from bvc.diagnostics.suggest import close, did_you_mean, listing


def missing_fragment(place: Place, name: str, looked: str, known: Sequence[str], *, std: bool) -> Diagnostic:
    """B0201: `use` of a file that isn't there."""
    where = "in the standard library" if std else f"at `{looked}`"
    stems = {candidate.removesuffix(".toml"): candidate for candidate in known}
    found = close(name.removesuffix(".toml"), stems, limit=1)
    help = f"did you mean `{stems[found[0]]}`?" if found else None
    if help is None and std and known:
        help = f"the standard library has {listing(known)}"
    return Diagnostic("B0201", f"no fragment `{name}`", place, f"no file {where}", help=help)


def missing_row(place: Place, key: str, table: str, rows: Sequence[str], declared: Place) -> Diagnostic:
    """B0202: a row or key that a table doesn't have."""
    notes = (f"`{table}` has {listing(rows)}" if rows else f"`{table}` is empty",)
    labels = (Label(declared, "the table"),)
    return Diagnostic(
        "B0202", f"no `{key}` in `{table}`", place, "not there", labels, notes, did_you_mean(key, rows)
    )


def missing_item(place: Place, index: int, array: str, count: int) -> Diagnostic:
    """B0202: an item that an array doesn't have."""
    note = f"`{array}` has {count} items, counted from 0" if count else f"`{array}` is empty"
    return Diagnostic("B0202", f"no item {index} in `{array}`", place, "not there", (), (note,))


def no_rows(place: Place, what: str, found: str) -> Diagnostic:
    """B0202: a key of something that is no table."""
    return Diagnostic("B0202", f"`{what}` is {found} and has no rows", place, "not a table")


def item_not_a_number(place: Place, array: str, found: str) -> Diagnostic:
    """B0202: an item of an array by something other than its number."""
    return Diagnostic("B0202", f"items of `{array}` are numbered, found {found}", place, found)


def cycle(steps: Sequence[tuple[str, Place]]) -> Diagnostic:
    """B0203: values that need each other. `steps` are their names and places, in the order they were read."""
    names = [name for name, _ in steps]
    labels = tuple(Label(place, f"`{name}`") for name, place in steps[1:])
    notes = (" -> ".join(f"`{name}`" for name in (*names, names[0])),)
    message = f"`{names[0]}` depends on itself"
    return Diagnostic(
        "B0203", message, steps[0][1], "the cycle begins here", labels, notes, "break it at one of them"
    )


def file_cycle(place: Place, files: Sequence[str]) -> Diagnostic:
    """B0204: files that use each other."""
    notes = (" -> ".join(f"`{file}`" for file in files),)
    return Diagnostic("B0204", f"`{files[-1]}` uses itself", place, "closes the cycle", (), notes)


def files_too_deep(place: Place, most: int) -> Diagnostic:
    """B0204: fragments in fragments in fragments."""
    return Diagnostic("B0204", f"fragments use fragments more than {most} levels deep", place)


def missing_path(place: Place, path: str, file: str, key: str, known: Sequence[str]) -> Diagnostic:
    """B0205: `FILE#path` with a path that the file doesn't have."""
    notes = (f"there it has {listing(known)}",) if known else ()
    return Diagnostic(
        "B0205", f"`{file}` has no table `{path}`", place, "not there", (), notes, did_you_mean(key, known)
    )


def not_a_table(place: Place, what: str, found: str) -> Diagnostic:
    """B0206: `use` of something that cannot lie beneath a table."""
    return Diagnostic("B0206", f"cannot use `{what}`: it is {found}, not a table", place, found)


def bad_use(place: Place, found: str) -> Diagnostic:
    """B0206: `use` that is neither a string nor an array of strings."""
    help = '`use = "FILE"`, `"FILE#path"`, `"${row}"`, or an array of these'
    return Diagnostic("B0206", f"`use` takes the name of a fragment, found {found}", place, found, help=help)


def let_only(place: Place, file: str) -> Diagnostic:
    """B0207: a file of lets used where its lets cannot be seen."""
    help = f'put `use = "{file}"` at the root of this file: there its lets join this file\'s'
    return Diagnostic(
        "B0207", f"`{file}` has only lets: beneath a table it adds nothing", place, "", help=help
    )


def bad_with(place: Place, found: str) -> Diagnostic:
    """B0208: `with` that is no table."""
    return Diagnostic("B0208", f"`with` takes a table of params, found {found}", place, found)


def with_for_nobody(place: Place, *, root: bool) -> Diagnostic:
    """B0208: `with` where no fragment takes params."""
    if root:
        help = "params of a fragment used at the root join this file's: set them in `[params]`"
        return Diagnostic("B0208", "`with` at the root sets nothing", place, "", help=help)
    help = "put it beside the `use` of a file"
    return Diagnostic("B0208", "`with` sets nothing: no file is used here", place, "", help=help)


def for_without_hole(place: Place, name: str, variables: Sequence[str]) -> Diagnostic:
    """B0209: a table with `for` whose name is always the same."""
    inside = "_".join(f"${{{variable}}}" for variable in variables)
    help = f'name the tables by their loop variables: `"{name}_{inside}"`'
    return Diagnostic("B0209", f"`{name}` has `for`, but no `${{}}` in its name", place, "", help=help)


def hole_without_for(place: Place, name: str) -> Diagnostic:
    """B0210: a key with `${}` that no `for` fills."""
    help = 'give the table a loop: `for = { x = ["a", "b"] }`'
    return Diagnostic("B0210", f"`{name}` has `${{}}` in its name, but no `for`", place, "", help=help)


def made_twice(place: Place, name: str, other: Place | None) -> Diagnostic:
    """B0211: two generated tables with one name."""
    labels = (Label(other, "made here first"),) if other is not None and other != place else ()
    help = "use every loop variable in the name" if not labels else "give them different names"
    return Diagnostic("B0211", f"`{name}` is made twice", place, "", labels, help=help)


def bad_for(place: Place, found: str) -> Diagnostic:
    """B0212: a `for` that loops over nothing."""
    help = '`for = { x = ["a", "b"], row = "lets" }`: arrays give items, tables give keys'
    return Diagnostic("B0212", f"`for` takes arrays and tables, found {found}", place, found, help=help)


def bad_generated_name(place: Place, found: str) -> Diagnostic:
    """B0212: a loop variable in a name that is no scalar."""
    return Diagnostic("B0212", f"a name is made of single values, found {found}", place, found)


def misplaced_for(place: Place, where: str) -> Diagnostic:
    """B0213: `for` where no tables can be made."""
    return Diagnostic("B0213", f"`for` cannot make tables {where}", place, "not here")


def matched_nothing(place: Place, pattern: str, known: Sequence[str], *, own: bool) -> Diagnostic:
    """B0214: an `unset` that had nothing to remove; a warning where it was inherited."""
    help = did_you_mean(pattern, known)
    severity = "error" if own else "warning"
    message = f"`unset` of `{pattern}` removes nothing"
    return Diagnostic("B0214", message, place, "nothing has this name", help=help, severity=severity)


def bad_unset(place: Place, reason: str) -> Diagnostic:
    """B0215: an `unset` that is no array of paths."""
    help = '`unset = ["evals.v2", "model.*.init"]`'
    return Diagnostic("B0215", "`unset` takes an array of paths", place, reason, help=help)


def bad_when(place: Place, reason: str, help: str | None = None) -> Diagnostic:
    """B0216: a `when` block of another form."""
    return Diagnostic("B0216", "bad `when` block", place, reason, help=help)


def when_sets(place: Place, key: str) -> Diagnostic:
    """B0216: a `when` that would change what its own condition reads."""
    help = "make it a key of a `[let]` table, or an expression: `${a if test else b}`"
    return Diagnostic(
        "B0216", f"a `when` block cannot set `{key}`", place, "decided before conditions are", help=help
    )


def when_not_array(place: Place, found: str) -> Diagnostic:
    """B0216: `[when]` for `[[when]]`."""
    return Diagnostic(
        "B0216", f"`when` blocks are an array, found {found}", place, found, help="write `[[when]]`"
    )


def path_too_early(place: Place, labels: tuple[Label, ...] = ()) -> Diagnostic:
    """B0217: a `.path` where the tree doesn't exist yet."""
    help = "name the value in `[params]` or `[let]`, and read that name in both places"
    message = "conditions, loops and `use` cannot read `.paths`"
    notes = ("they decide what the tree is; a `.path` reads the tree when it is done",)
    return Diagnostic("B0217", message, place, "a leaf of the tree", labels, notes, help)


def inside(diagnostic: Diagnostic, place: Place, origin: Origin) -> Diagnostic:
    """A mistake that shows inside the standard library, told where the user used it."""
    labels = (Label(place, diagnostic.label or "here"), *diagnostic.labels)
    return replace(diagnostic, place=origin.mend, label="used here", labels=labels, origin=origin)


def setting_is_param(place: Place, name: str, file: str) -> Diagnostic:
    """B0218: `--set` of a param."""
    return Diagnostic("B0218", f"`{name}` is a param, not a leaf", place, help=f"write `{file}:{name}=...`")


def setting_not_a_leaf(place: Place, key: str) -> Diagnostic:
    """B0218: `--set params.x`, `--set use`: what makes the tree is not a part of it."""
    help = "params are set behind the file's name: `spec.toml:x=...`" if key == "params" else None
    return Diagnostic(
        "B0218", f"`{key}` is not a leaf of the tree", place, "not part of the resolved spec", help=help
    )


def setting_through_scalar(place: Place, path: str, beneath: str, found: str, where: Place) -> Diagnostic:
    """B0218: `--set a.b.c` where `a.b` is no table."""
    labels = (Label(where, found),)
    message = f"cannot set `{path}`: `{beneath}` is {found}, not a table"
    return Diagnostic("B0218", message, place, "", labels)


def setting_not_there(place: Place, path: str, key: str, known: Sequence[str]) -> Diagnostic:
    """B0218: `--set a[3]` of something that isn't there."""
    notes = (f"there is {listing(known)}",) if known else ()
    return Diagnostic(
        "B0218", f"cannot set `{path}`: no `{key}`", place, "not there", (), notes, did_you_mean(key, known)
    )


def setting_no_item(place: Place, path: str, count: int) -> Diagnostic:
    """B0218: `--set a[3]` beyond the end."""
    notes = (f"it has {count} items, counted from 0; `bvc show` prints them",)
    return Diagnostic("B0218", f"cannot set `{path}`: no such item", place, "not there", (), notes)


def setting_not_array(place: Place, path: str, found: str) -> Diagnostic:
    """B0218: `--set a[3]` of something without items."""
    return Diagnostic("B0218", f"cannot set `{path}`: {found} has no items", place)


def root_only(place: Place, key: str, table: str, header: Place) -> Diagnostic:
    """B0219: a key of the root that stands below a header."""
    labels = (Label(header, f"everything below belongs to `[{table}]`"),)
    help = "move it above the first `[header]`"
    return Diagnostic(
        "B0219", f"`{key}` belongs to the root of the file", place, f"a key of `{table}`", labels, help=help
    )


def bad_root_key(place: Place, key: str, wanted: str, found: str) -> Diagnostic:
    """B0219: `doc`, `import`, `params` or `let` of the wrong type."""
    return Diagnostic("B0219", f"`{key}` is {wanted}, found {found}", place, found)
