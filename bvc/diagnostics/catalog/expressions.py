"""B01: expressions (B0150, B0151, B0157 to B0162)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bvc.diagnostics.diagnostic import Diagnostic
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
    return _limit(place, "nested too deep, with all that it refers to")


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
