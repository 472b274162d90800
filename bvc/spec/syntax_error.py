"""What tomllib says is wrong, told in the words of a person who writes a spec."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from bvc.diagnostics import Diagnostic, Label, Place
from bvc.diagnostics.catalog import syntax as catalog
from bvc.spec.locate import locate

_POSITION = re.compile(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)")
_WORD = re.compile(r"[^\s,\]\}#=]+")
_LITERAL = re.compile(
    r'"""(?s:\\.|[^\\])*?"{3,5}|' r"'''(?s:.)*?'{3,5}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|#[^\n]*|[\[\]{}]"
)
_HEADER = re.compile(r"(?m)^[ \t]*\[\[?([^\]\n]*)\]")
_HEADER_OR_KEY = re.compile(
    r"[ \t]*(\[\[?[^\]\n]*\]\]?|(?:\"[^\"\n]*\"|'[^'\n]*'|[A-Za-z0-9_.-]|[ \t]*\.[ \t]*)+)"
)
_QUANTITY = re.compile(r"=[ \t]*(\d[\d_.]*[ \t]?[A-Za-z%]+)")
_WORDS = {
    "true": "write `true`, in lower case",
    "false": "write `false`, in lower case",
    "none": "leave the key out: absence means off",
    "null": "leave the key out: absence means off",
    "nil": "leave the key out: absence means off",
    "undefined": "leave the key out: absence means off",
    "yes": "write `true`",
    "no": "write `false`",
    "on": "write `true`",
    "off": "write `false`, or leave the key out",
}


def syntax_error(text: str, file: str, message: str) -> Diagnostic:
    """The diagnostic for tomllib's `message` about `text`."""
    found = _POSITION.fullmatch(message)
    reason = found.group(1) if found else message
    position = _offset(text, found.group(2), found.group(3)) if found and found.group(2) else len(text)
    if reason.startswith(
        ("Cannot declare", "Cannot overwrite", "Cannot mutate", "Cannot redefine", "Duplicate")
    ):
        return _twice(text, file, position, reason)
    opened = _innermost(text, position)
    if opened is not None and text[opened] == "{":
        in_table = _in_inline_table(text, file, position, opened)
        if in_table is not None:
            return in_table
    if reason in ("Invalid value", "Invalid statement") or reason.startswith(
        "Invalid initial character for a key"
    ):
        return _invalid(text, file, position, reason)
    return _other(text, file, position, reason, opened)


def _offset(text: str, line: str, column: str) -> int:
    start = 0
    for _ in range(int(line) - 1):
        start = text.index("\n", start) + 1
    return min(start + int(column) - 1, len(text))


def _place(file: str, text: str, start: int, end: int) -> Place:
    return Place(file, min(start, len(text)), min(end, len(text)))


def _innermost(text: str, position: int) -> int | None:
    """The bracket that is open at `position`; those of headers, which begin a line outside others, aside."""
    stack: list[int] = []
    for found in _LITERAL.finditer(text, 0, position):
        sign, start = found.group(), found.start()
        before = text[text.rfind("\n", 0, start) + 1 : start]
        if sign == "{" or (sign == "[" and (stack or before.strip(" \t["))):
            stack.append(start)
        elif sign in ("]", "}") and stack:
            stack.pop()
    return stack[-1] if stack else None


def _in_inline_table(text: str, file: str, position: int, opened: int) -> Diagnostic | None:
    rest = text[position : position + 1]
    begin = text.rfind("\n", 0, position) + 1
    if rest in ("\n", "") or "\n" in text[opened:position]:
        place = _place(file, text, opened, opened + 1)
        help = "write it on one line, or as a table of its own with a `[header]`"
        return catalog.inline_table(place, "a line break", help)
    if rest == "#":
        return catalog.inline_table(
            _place(file, text, position, position + 1), "a comment", "move it to another line"
        )
    before = text[begin:position].rstrip()
    if rest == "}" and before.endswith(","):
        comma = begin + len(before) - 1
        return catalog.inline_table(
            _place(file, text, comma, comma + 1), "a comma at its end", "remove the comma"
        )
    return None


def _invalid(text: str, file: str, position: int, reason: str) -> Diagnostic:
    word = _WORD.match(text, position)
    found = word.group() if word else text[position : position + 1]
    place = _place(file, text, position, position + max(len(found), 1))
    if reason == "Invalid value":
        if found.lower() in _WORDS:
            return catalog.not_toml_word(place, found, _WORDS[found.lower()])
        if found[:1].isalpha() or found.startswith("$"):
            return catalog.not_toml_word(place, found, f'a text stands in quotes: `"{found}"`')
        if not found.strip():
            return catalog.toml(place, "a value is missing", "expected a value after `=`")
        return catalog.toml(place, "not a value", "", "a text stands in quotes")
    if not found.strip() or found.startswith("="):
        return catalog.toml(place, "a key is missing", "expected a key")
    return catalog.toml(
        place, f"a key cannot begin with `{found[:1]}`", "", "other characters need quotes around the key"
    )


def _other(text: str, file: str, position: int, reason: str, opened: int | None) -> Diagnostic:
    place = _place(file, text, position, position + 1)
    if reason in ("Unclosed array", "Unclosed inline table") and opened is not None:
        sign = text[opened]
        first = _place(file, text, opened, opened + 1)
        missing = "a comma between two items, or the `]`, is missing" if sign == "[" else "the `}` is missing"
        labels = (Label(place, "expected before this"),) if position < len(text) else ()
        return catalog.toml(first, f"`{sign}` is not closed", "opened here", missing, labels)
    if reason.startswith("Unescaped '\\'") and position < len(text):
        help = "write `\\\\`, or put the text between single quotes"
        place = _place(file, text, position - 2, position)
        return catalog.toml(place, "a backslash that begins no escape", "", help)
    if reason in (
        "Unterminated string",
        "Unescaped '\\' in a string",
        'Expected "\'"',
        "Expected \"'''\"",
    ) or reason.startswith("Illegal character '\\n'"):
        start = _string_start(text, len(text[:position].rstrip()))
        label = "opened here"
        help = "close the quotes on the same line; a text of several lines stands between three quotes"
        return catalog.toml(_place(file, text, start, start + 1), "the quotes are not closed", label, help)
    if reason.startswith("Illegal character"):
        return catalog.toml(
            place, "a control character in a text or comment", "not allowed", "write it as an escape"
        )
    if reason.startswith("Expected '='"):
        help = "write `key = value`; a header stands in brackets: `[table]`"
        return catalog.toml(place, "expected `=` after a key", "expected `=` here", help)
    if reason.startswith("Expected newline"):
        quantity = _QUANTITY.search(text, text.rfind("\n", 0, position) + 1)
        help = "one `key = value` per line"
        if quantity and quantity.start(1) < position < quantity.end():
            help = f'a number with a unit is a text: `"{quantity.group(1)}"`'
        return catalog.toml(place, "something follows the value", "expected the end of the line", help)
    if reason.startswith("Expected ']"):
        return catalog.toml(place, "the header is not closed", "expected `]` here")
    return catalog.toml(place, reason[:1].lower() + reason[1:])


def _string_start(text: str, position: int) -> int:
    """Where the string that `position` lies in began, as far as its line tells."""
    for triple in ('"""', "'''"):
        if text.count(triple, 0, position) % 2:
            return text.rfind(triple, 0, position)
    begin = text.rfind("\n", 0, position) + 1
    last = begin
    while last < position:
        found = re.compile(r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'").match(text, last)
        if found and found.end() <= position:
            last = found.end()
        elif text[last] in "\"'":
            return last
        else:
            last += 1
    return min(position, len(text))


def _twice(text: str, file: str, position: int, reason: str) -> Diagnostic:
    begin = text.rfind("\n", 0, position) + 1
    if begin == position and begin > 0:
        begin = text.rfind("\n", 0, position - 1) + 1
    found = _HEADER_OR_KEY.match(text, begin)
    start, end = found.span(1) if found else (begin, position)
    end = start + len(text[start:end].rstrip())
    written = text[start:end]
    table = written.startswith("[")
    name = written.strip("[] \t")
    first = _first(text, file, begin, name, table)
    if reason.startswith("Duplicate") and (key := re.search(r"'([^']*)'", reason)):
        name, first, table = key.group(1), None, False
        start, end = _in_line(text, begin, position, name, (start, end))
    return catalog.declared_twice(Place(file, start, end), name, first, table=table)


def _in_line(text: str, begin: int, position: int, name: str, otherwise: tuple[int, int]) -> tuple[int, int]:
    """The last time that `name` stands as a key between `begin` and `position`."""
    places = [m.span(1) for m in re.finditer(rf"[{{,]\s*({re.escape(name)})\s*=", text[begin : position + 1])]
    return (begin + places[-1][0], begin + places[-1][1]) if places else otherwise


def _first(text: str, file: str, begin: int, name: str, table: bool) -> Place | None:
    """Where the text before the line that is wrong declares `name`, if that text stands on its own."""
    before = text[:begin]
    headers = [] if table else _HEADER.findall(before)
    try:
        tomllib.loads(before)
        path = (*(_path_of(headers[-1]) if headers else ()), *_path_of(name))
    except tomllib.TOMLDecodeError:
        return None
    spans = locate(before)
    for length in range(len(path), 0, -1):
        span = spans.values.get(path) if table else spans.keys.get(path[:length])
        if span is not None:
            return Place(file, *span)
    return None


def _path_of(name: str) -> tuple[str, ...]:
    path: list[str] = []
    node: dict[str, Any] | int = tomllib.loads(f"{name} = 0")
    while isinstance(node, dict):
        key, node = next(iter(node.items()))
        path.append(key)
    return tuple(path)
