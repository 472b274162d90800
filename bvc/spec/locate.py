"""Where each key and each value of a TOML text stands. tomllib decides what is valid; this only locates."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
Span = tuple[int, int]

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*+")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r'"""(?s:\\.|[^\\])*?"{3,5}|' r"'''(?s:.)*?'{3,5}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'")
_ATOM = re.compile(r"[^,\]}#\n]+")


@dataclass(slots=True)
class Spans:
    """Spans by path; an item of an array has its index as last part of the path.

    A table's value is its header `[a.b]`, its braces, or, where it has neither, the key that first
    named it.
    """

    keys: dict[Path, Span] = field(default_factory=dict[Path, Span])
    values: dict[Path, Span] = field(default_factory=dict[Path, Span])


def locate(text: str) -> Spans:
    """The spans of `text`, which `tomllib.loads` must have accepted with line feeds only."""
    return _Locator(text).run()


class _Locator:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.spans = Spans()
        self.counts: dict[Path, int] = {}  # how many `[[...]]` headers an array of tables has had

    def run(self) -> Spans:
        table: Path = ()
        self.skip(_GAP)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_GAP)
        return self.spans

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()

    def header(self) -> Path:
        begin = self.at
        many = self.text.startswith("[[", begin)
        self.at += 1 + many
        parts = self.key()
        self.at += 1 + many
        span = (begin, self.at)
        path: Path = ()
        for index, (name, place) in enumerate(parts):
            path += (name,)
            self.spans.keys.setdefault(path, place)
            self.spans.values.setdefault(path, span)
            if many and index == len(parts) - 1:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path += (self.counts[path],)
        self.spans.values[path] = span
        return path

    def key(self) -> list[tuple[str, Span]]:
        parts: list[tuple[str, Span]] = []
        while True:
            self.skip(_BLANK)
            begin = self.at
            bare = _BARE.match(self.text, begin)
            found = bare or _QUOTED.match(self.text, begin)
            assert found is not None, "tomllib accepted a key that the locator cannot read"
            self.at = found.end()
            name = found.group() if bare else str(tomllib.loads(f"x={found.group()}")["x"])
            parts.append((name, (begin, self.at)))
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def pair(self, table: Path) -> None:
        path = table
        for name, place in self.key():
            path += (name,)
            self.spans.keys.setdefault(path, place)
            self.spans.values.setdefault(path, place)
        self.at += 1  # the `=`
        self.skip(_BLANK)
        self.value(path)

    def value(self, path: Path) -> None:
        begin, first = self.at, self.text[self.at]
        if first in "\"'":
            self.skip(_QUOTED)
        elif first == "[":
            self.array(path)
        elif first == "{":
            self.inline_table(path)
        else:
            found = _ATOM.match(self.text, begin)
            assert found is not None, "tomllib accepted a value that the locator cannot read"
            self.at = begin + len(found.group().rstrip())
        self.spans.values[path] = (begin, self.at)

    def array(self, path: Path) -> None:
        self.at += 1
        self.skip(_GAP)
        index = 0
        while self.text[self.at] != "]":
            self.value((*path, index))
            self.skip(_GAP)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_GAP)
            index += 1
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        self.skip(_GAP)
        while self.text[self.at] != "}":
            self.pair(path)
            self.skip(_GAP)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_GAP)
        self.at += 1
