"""B01, second half: params and expressions (B0150 to B0199)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Place
from bvc.diagnostics.suggest import close, did_you_mean, listing

# B0150: the text is no expression


def _bad(place: Place, reason: str, label: str, help: str | None = None) -> Diagnostic:
    return Diagnostic("B0150", f"bad expression: {reason}", place, label, help=help)


def hole_not_closed(place: Place) -> Diagnostic:
    """`${` without its `}`."""
    return _bad(
        place, "`${` is not closed", "no `}` follows", "close it with `}`, or write `$${` for a literal `${`"
    )


def empty_expression(place: Place) -> Diagnostic:
    """Nothing between `${` and `}`."""
    return _bad(place, "nothing to evaluate", "empty", "name a param, a let or a `.path`")


def bad_number(place: Place) -> Diagnostic:
    """Letters right after the digits of a number."""
    return _bad(
        place, "a number ends in a letter", "not a number", "names begin with a letter; texts stand in quotes"
    )


def text_not_closed(place: Place) -> Diagnostic:
    """A quote that never ends."""
    return _bad(place, "the quotes are not closed", "opened here", "close the quotes before the `}`")


def unexpected_character(place: Place, character: str) -> Diagnostic:
    """A character that begins nothing."""
    mends = {
        "=": "compare with `==`",
        "!": "write `not` or `!=`",
        "&": "write `and`",
        "|": "write `or`, or `??`",
    }
    mends |= {
        "$": "inside an expression a name stands alone, without `${`",
        "?": "write `a if test else b`, or `??`",
    }
    return _bad(place, f"`{character}` means nothing here", "not part of an expression", mends.get(character))


def unexpected_word(place: Place, word: str) -> Diagnostic:
    """A word where none, or another, may stand."""
    return _bad(place, f"`{word}` cannot stand here", "unexpected")


def expression_ends_early(place: Place, word: str) -> Diagnostic:
    """An operator without its right side."""
    return _bad(place, f"something is missing after `{word}`", "the expression ends here")


def bracket_not_closed(place: Place, opened: str, closed: str) -> Diagnostic:
    """A bracket that never ends."""
    return _bad(place, f"`{opened}` is not closed", "opened here", f"add the `{closed}`")


def else_missing(place: Place) -> Diagnostic:
    """`a if test` alone."""
    return _bad(place, "`if` without `else`", "no `else` follows", "write `a if test else b`")


def chained_comparison(place: Place) -> Diagnostic:
    """`a < b < c`."""
    return _bad(place, "comparisons cannot be chained", "two comparisons", "write `a < b and b < c`")


def unknown_function(place: Place, name: str, known: Sequence[str]) -> Diagnostic:
    """A call of something that is no function."""
    help = did_you_mean(name, known) or f"there are {listing(known)}"
    return _bad(place, f"there is no function `{name}`", "unknown function", help)


def hole_in_condition(place: Place, where: str) -> Diagnostic:
    """`${...}` in an `if` or a `for`, which are expressions already."""
    return _bad(place, f"{where} is an expression already", "`${` is not needed", "leave out `${` and `}`")


def unknown_name(place: Place, name: str, known: Sequence[str], tree: Sequence[str]) -> Diagnostic:
    """B0151: a bare name that is neither loop variable nor param nor let."""
    if name in ("True", "False"):
        help: str | None = f"write `{name.lower()}`"
    elif name in tree and not close(name, known):
        help = f"`.{name}` with a leading dot reads the table `[{name}]`"
    else:
        help = did_you_mean(name, known) or f"a text stands in quotes: `'{name}'`"
    notes = (
        (f"names here: {listing(sorted(known))}",) if known else ("this file has neither params nor lets",)
    )
    return Diagnostic(
        "B0151", f"unknown name `{name}`", place, "no param, let or loop variable", (), notes, help
    )


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


# B0157: an operator or function doesn't take this value


def not_a_number(place: Place, sign: str, found: str) -> Diagnostic:
    """A text, bool or date where a number is needed."""
    help = 'put texts together in a string: `"${a}${b}"`' if sign == "+" and found == "a string" else None
    return Diagnostic("B0157", f"`{sign}` takes numbers, found {found}", place, f"{found} in here", help=help)


def compared_types(place: Place, left: str, right: str) -> Diagnostic:
    """A comparison that can never be true."""
    return Diagnostic("B0157", f"cannot compare {left} with {right}", place, "never equal")


def not_a_scalar(place: Place, found: str) -> Diagnostic:
    """A table or an array as an operand."""
    return Diagnostic("B0157", f"expected a single value, found {found}", place, found)


def not_a_bool(place: Place, what: str, found: str) -> Diagnostic:
    """A condition that is neither true nor false."""
    help = "compare it with something: `x == 1`, `x != ''`"
    return Diagnostic("B0157", f"`{what}` takes true or false, found {found}", place, found, help=help)


def nothing_in(place: Place, found: str) -> Diagnostic:
    """`in` something that holds nothing."""
    return Diagnostic(
        "B0157", f"nothing can be `in` {found}", place, found, help="give an array, a table or a text"
    )


def argument_count(place: Place, function: str, found: int) -> Diagnostic:
    """A function with too many or too few arguments."""
    takes = {"int": "one argument", "round": "a number and, if wanted, its digits"}.get(
        function, "two or more numbers"
    )
    return Diagnostic("B0157", f"`{function}` takes {takes}, found {found}", place)


def bad_digits(place: Place) -> Diagnostic:
    """The digits of `round`."""
    return Diagnostic("B0157", "the digits of `round` are an int from -18 to 18", place)


def with_operands(diagnostic: Diagnostic, operands: Sequence[tuple[str, object]]) -> Diagnostic:
    """What the operands were, where the expression itself does not show it."""
    said = tuple(
        f"`{written}` is {value!r}" for written, value in operands if written.strip("'\"") != str(value)
    )
    return replace(diagnostic, notes=(*diagnostic.notes, *said))


# B0158, B0159, B0161: arithmetic and its limits


def division_by_zero(place: Place, sign: str) -> Diagnostic:
    """B0158."""
    label = "zero to a negative power" if sign == "**" else "the right side is 0"
    return Diagnostic("B0158", "division by zero", place, label)


def root_of_negative(place: Place) -> Diagnostic:
    """B0158: a negative number to a broken power."""
    return Diagnostic("B0158", "a negative number has no broken power", place, "not a real number")


def number_too_large(place: Place) -> Diagnostic:
    """B0159."""
    note = "ints go to 2**63 - 1, floats to 1.8e308"
    return Diagnostic("B0159", "number too large", place, "out of range", (), (note,))


def bad_format(place: Place, form: str) -> Diagnostic:
    """B0160: what follows the `:` is no format."""
    help = "a format is a width, digits or a letter: `02d`, `.3f`, `>8`"
    return Diagnostic("B0160", f"`{form}` is not a format", place, help=help)


def format_does_not_fit(place: Place, form: str, value: str) -> Diagnostic:
    """B0160: a format for another type."""
    return Diagnostic("B0160", f"format `{form}` does not suit `{value[:40]}`", place, "formatted here")


def expression_too_long(place: Place, most: int) -> Diagnostic:
    """B0161."""
    return _limit(place, f"expression of more than {most} words")


def expression_too_deep(place: Place, most: int) -> Diagnostic:
    """B0161."""
    return _limit(place, f"expression nested more than {most // 2} levels deep")


def too_deep_references(place: Place) -> Diagnostic:
    """B0161."""
    return _limit(place, "references through too many other references")


def text_too_long(place: Place, most: int) -> Diagnostic:
    """B0161."""
    return _limit(place, f"text of more than {most} characters")


def too_much_work(place: Place, most: int) -> Diagnostic:
    """B0161."""
    return _limit(place, f"the resolved spec has more than {most} items")


def too_many_tables(place: Place, found: int, most: int) -> Diagnostic:
    """B0161."""
    return _limit(place, f"`for` makes {found} tables, more than {most}")


def _limit(place: Place, message: str) -> Diagnostic:
    return Diagnostic("B0161", message, place, help="logic of this size belongs in a component")


def table_in_text(place: Place, what: str) -> Diagnostic:
    """B0162: a table inside a string."""
    help = "name one of its values: `.key` or `[key]`"
    return Diagnostic(
        "B0162", f"`{what}` is a table and cannot stand inside a text", place, "a table", help=help
    )


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
