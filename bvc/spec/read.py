"""A file of the language: bytes to written values, with limits before anything is parsed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from bvc.diagnostics import Diagnostic, Failed, Place, Sources
from bvc.diagnostics.catalog import syntax as catalog
from bvc.spec.locate import Path as KeyPath
from bvc.spec.locate import Spans, locate
from bvc.spec.syntax_error import syntax_error
from bvc.spec.text import decode
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable

MOST_BYTES = 1 << 20
MOST_DEPTH = 32
_LARGEST = 2**63 - 1
_BRACKETS = re.compile(
    r'"""(?s:\\.|[^\\])*?"{3,5}|' r"'''(?s:.)*?'{3,5}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|#[^\n]*|[\[\]{}]"
)
_BLANK = re.compile(r"(?:\s|#[^\n]*)*+")
_DIGITS = re.compile(r"[0-9_]{1000,}")
_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
}


def read(path: Path, file: str, sources: Sources) -> WrittenTable:
    """Reads and parses a file, which `sources` will hold under the name `file`.

    Raises `OSError` where it cannot be opened, and `Failed` (B0001 to B0009) where it is no spec.
    """
    with path.open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            size = len(data) + sum(len(block) for block in iter(lambda: stream.read(1 << 20), b""))
            raise Failed(catalog.too_large(Place(file, 0, 0), size, MOST_BYTES))
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
        raise Failed(catalog.not_text(Place(file, 0, 0), error.start, encoding)) from None
    return parse(text, file, sources)


def parse(text: str, file: str, sources: Sources) -> WrittenTable:
    """Parses a text, which `sources` will hold under the name `file`. Raises `Failed`."""
    sources[file] = text
    blank = _BLANK.match(text)
    if blank is not None and blank.end() == len(text):
        raise Failed(catalog.empty(Place(file, 0, 0)))
    _check_brackets(text, file)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Failed(syntax_error(text, file, str(error))) from None
    except ValueError:  # int() refuses to read thousands of digits
        digits = _DIGITS.search(text)
        place = Place(file, *(digits.span() if digits else (0, 0)))
        raise Failed(catalog.int_too_large(place)) from None
    reader = _Reader(text, file, locate(text))
    root = reader.table(values, (), Place(file, 0, 0), 0)
    if reader.wrong:
        raise Failed(reader.wrong)
    return root


def _check_brackets(text: str, file: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        sign = found.group()
        if sign in ("[", "{"):
            depth += 1
            if depth > MOST_DEPTH:
                raise Failed(catalog.too_deep(Place(file, *found.span()), MOST_DEPTH))
        elif sign in ("]", "}"):
            depth = max(depth - 1, 0)


class _Reader:
    """Joins tomllib's values with their spans."""

    def __init__(self, text: str, file: str, spans: Spans) -> None:
        self.text = text
        self.file = file
        self.spans = spans
        self.wrong: list[Diagnostic] = []

    def table(self, values: dict[str, object], path: KeyPath, place: Place, depth: int) -> WrittenTable:
        if depth > MOST_DEPTH:
            raise Failed(catalog.too_deep(place, MOST_DEPTH))
        items: dict[str, Written] = {}
        keys: dict[str, Place] = {}
        for name, value in values.items():
            below = (*path, name)
            keys[name] = Place(self.file, *self.spans.keys[below])
            items[name] = self.value(value, below, depth + 1)
        return WrittenTable(items, place, keys)

    def value(self, value: object, path: KeyPath, depth: int) -> Written:
        start, end = self.spans.values[path]
        place = Place(self.file, start, end)
        if isinstance(value, dict):
            return self.table(value, path, place, depth)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(value, list):
            items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
            return WrittenArray(
                tuple(self.value(item, (*path, index), depth + 1) for index, item in enumerate(items)), place
            )
        if isinstance(value, str):
            return WrittenScalar(value, place, decode(self.text, self.file, start, end))
        if isinstance(value, int) and not -_LARGEST - 1 <= value <= _LARGEST:
            self.wrong.append(catalog.int_too_large(place))
        return WrittenScalar(value, place)  # pyright: ignore[reportArgumentType]
