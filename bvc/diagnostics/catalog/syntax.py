"""B00: the text itself (B0001 to B0049)."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic, Label
from bvc.diagnostics.place import Place


def toml(
    place: Place, reason: str, label: str = "", help: str | None = None, labels: tuple[Label, ...] = ()
) -> Diagnostic:
    """B0001: tomllib refuses the text."""
    return Diagnostic("B0001", reason, place, label, labels, help=help)


def declared_twice(place: Place, name: str, first: Place | None, *, table: bool) -> Diagnostic:
    """B0002: a key or table that is there already."""
    labels = (Label(first, "first declared here"),) if first is not None else ()
    help = "put all keys of the table below one header" if table else "keep one of them"
    return Diagnostic("B0002", f"`{name}` is declared twice", place, "again here", labels, help=help)


def not_text(place: Place, position: int, encoding: str | None) -> Diagnostic:
    """B0003: bytes that are not UTF-8."""
    notes = (f"it begins like {encoding}",) if encoding else ()
    message = f"the file is not text: byte {position} is not UTF-8"
    return Diagnostic("B0003", message, place, "", (), notes, "save it as UTF-8")


def empty(place: Place) -> Diagnostic:
    """B0004: nothing but blanks and comments."""
    return Diagnostic(
        "B0004", "the file is empty", place, "", help="`bvc list` shows what a spec can be made of"
    )


def too_large(place: Place, size: int, most: int) -> Diagnostic:
    """B0005: more bytes than a spec can have."""
    message = f"the file is too large to be a spec: {size} bytes, at most {most}"
    return Diagnostic("B0005", message, place, "", help="data belongs in files that the spec names")


def too_deep(place: Place, most: int) -> Diagnostic:
    """B0006: brackets in brackets in brackets, or a table in a table ..."""
    return Diagnostic("B0006", f"nested more than {most} levels deep", place, "too deep")


def not_toml_word(place: Place, word: str, help: str) -> Diagnostic:
    """B0007: a word of another language where a value should be."""
    return Diagnostic("B0007", f"`{word}` is not a TOML value", place, "unknown word", help=help)


def inline_table(place: Place, reason: str, help: str) -> Diagnostic:
    """B0008: what TOML 1.0 doesn't allow between `{` and `}`."""
    return Diagnostic("B0008", f"an inline table cannot hold {reason}", place, "", help=help)


def int_too_large(place: Place) -> Diagnostic:
    """B0009: more than 64 bits."""
    return Diagnostic("B0009", "an int of a spec has at most 64 bits", place, "too large")


def unreadable(place: Place | None, file: str, reason: str, close: Sequence[str] = ()) -> Diagnostic:
    """B0010: the spec's own file cannot be opened."""
    help = f"did you mean `{close[0]}`?" if close else None
    return Diagnostic("B0010", f"cannot read `{file}`: {reason}", place, help=help)


def call(place: Place, reason: str, label: str = "", help: str | None = None) -> Diagnostic:
    """B0011: a text that should be `name` or `name(...)` and isn't."""
    return Diagnostic("B0011", f"bad call: {reason}", place, label, help=help)


def argument_twice(place: Place, name: str, first: Place) -> Diagnostic:
    """B0012: a keyword of a call given twice."""
    return Diagnostic(
        "B0012", f"argument `{name}` is given twice", place, "again here", (Label(first, "first here"),)
    )


def positional_after_keyword(place: Place) -> Diagnostic:
    """B0012: an argument without a name after one with a name."""
    help = "put arguments without a name first"
    return Diagnostic("B0012", "an argument without a name follows one with a name", place, help=help)
