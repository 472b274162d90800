"""Params and settings as they are given from outside: `spec.toml:flag,res=384` and `--set a.b=3`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import cast

from bvc.diagnostics import Diagnostic, Failed, Place, Sources
from bvc.diagnostics.catalog import params as catalog
from bvc.spec.formatting import toml
from bvc.spec.key_path import Segment, segments
from bvc.spec.read import parse
from bvc.spec.text import whole
from bvc.spec.written import Written, WrittenArray, WrittenScalar, WrittenTable

COMMAND_LINE = "<command line>"
_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*")


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A param from the command line; `text` is its value as typed, None for a bare word."""

    name: str
    name_place: Place
    value: Written
    text: WrittenScalar | None


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A `--set`: the path of a leaf, its place, and the value."""

    path: str
    segments: tuple[Segment, ...]
    offset: int
    value: Written

    def place(self, segment: Segment) -> Place:
        """Where a segment of the path stands."""
        return Place(COMMAND_LINE, self.offset + segment.start, self.offset + segment.end)


def parse_target(target: str) -> tuple[str, str]:
    """Splits `a.toml:local,res=3` into the path and the params."""
    position = target.find(".toml:")
    if position < 0:
        return target, ""
    return target[: position + 5], target[position + 6 :]


def command_line(
    path: str, params: Mapping[str, object] | str, settings: Sequence[tuple[str, str]], sources: Sources
) -> tuple[list[Given], list[Setting]]:
    """Reads both; the text stands in `sources` as `<command line>`. Raises `Failed` (B0164, B0001...)."""
    if not isinstance(params, str):
        params = _as_text(params)
    line = f"{path}:{params}" if params else path
    start = len(line) - len(params)
    offsets: list[int] = []
    for key, value in settings:
        line += " --set "
        offsets.append(len(line))
        line += f"{key}={value}"
    sources[COMMAND_LINE] = line
    if not params and not settings:
        return [], []
    wrong: list[Diagnostic] = []
    given: list[Given] = []
    for begin, end in _split(params, start):
        try:
            given.append(_param(line, begin, end))
        except Failed as failed:
            wrong.extend(failed.diagnostics)
    made: list[Setting] = []
    for (key, value), offset in zip(settings, offsets, strict=True):
        try:
            made.append(_setting(line, key, value, offset))
        except Failed as failed:
            wrong.extend(failed.diagnostics)
    seen: dict[str, Place] = {}
    for item in given:
        if item.name in seen:
            wrong.append(catalog.given_twice(item.name_place, item.name, seen[item.name]))
        seen.setdefault(item.name, item.name_place)
    if wrong:
        raise Failed(wrong)
    return given, made


def _as_text(params: Mapping[str, object]) -> str:
    for name, value in params.items():
        if not _holds(value):
            raise Failed(catalog.value_without_toml(None, name, type(value).__name__))
    return ",".join(f"{name}={toml(value)}" for name, value in params.items())


def _holds(value: object) -> bool:
    if isinstance(value, Mapping):
        pairs = cast(Mapping[object, object], value).items()
        return all(isinstance(key, str) and _holds(item) for key, item in pairs)
    if isinstance(value, (list, tuple)):
        return all(_holds(item) for item in cast(Sequence[object], value))
    return isinstance(value, (str, int, float, bool, date, time))


def _split(params: str, offset: int) -> list[tuple[int, int]]:
    """The stretches between commas that stand outside brackets and quotes."""
    found: list[tuple[int, int]] = []
    depth, begin, quote, position = 0, 0, "", 0
    while position < len(params):
        character = params[position]
        if quote:
            if character == "\\" and quote == '"':
                position += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
        elif character == "," and depth <= 0:
            found.append((offset + begin, offset + position))
            begin = position + 1
        position += 1
    found.append((offset + begin, offset + len(params)))
    return [(start, end) for start, end in found if start < end]


def _param(line: str, begin: int, end: int) -> Given:
    name = _NAME.match(line, begin, end)
    if name is None:
        place = Place(COMMAND_LINE, begin, end)
        raise Failed(
            catalog.bad_command_line(place, "a param has a name", "`name=value`, or a bare `name` for `true`")
        )
    place = Place(COMMAND_LINE, *name.span(1))
    if name.end() == end:
        return Given(name.group(1), place, WrittenScalar(True, place), None)
    if line[name.end()] != "=":
        raise Failed(
            catalog.bad_command_line(
                Place(COMMAND_LINE, name.end(), end), "`=` expected after the name of a param"
            )
        )
    start = name.end() + 1
    return Given(name.group(1), place, _value(line, start, end), _text(line, start, end))


def _setting(line: str, key: str, value: str, offset: int) -> Setting:
    found = segments(key)
    if found is None or any(segment.key == "*" for segment in found):
        place = Place(COMMAND_LINE, offset, offset + len(key))
        raise Failed(
            catalog.bad_command_line(place, f"`{key}` is not the path of a leaf", "`--set optimizer.lr=3e-4`")
        )
    start = offset + len(key) + 1
    return Setting(key, tuple(found), offset, _value(line, start, start + len(value)))


def _text(line: str, start: int, end: int) -> WrittenScalar:
    text = whole(line[start:end], COMMAND_LINE, start)
    return WrittenScalar(text.value, Place(COMMAND_LINE, start, end), text)


def _value(line: str, start: int, end: int) -> Written:
    """A value in TOML; what is no TOML and doesn't begin like an array, table or quote is a text."""
    written = line[start:end]
    try:
        items = parse(f"x={written}", COMMAND_LINE, Sources()).items
    except Failed as failed:
        if written.lstrip()[:1] in ("[", "{", '"', "'") or "\n" in written:
            place = Place(COMMAND_LINE, start, end)
            raise Failed(catalog.bad_command_line(place, failed.diagnostics[0].message)) from None
        return _text(line, start, end)
    return _shifted(items["x"], start - 2) if len(items) == 1 else _text(line, start, end)


def _shifted(node: Written, by: int) -> Written:
    place = Place(COMMAND_LINE, node.place.start + by, node.place.end + by)
    if isinstance(node, WrittenArray):
        return WrittenArray(tuple(_shifted(item, by) for item in node.items), place)
    if isinstance(node, WrittenTable):
        keys = {key: Place(COMMAND_LINE, k.start + by, k.end + by) for key, k in node.keys.items()}
        return WrittenTable({key: _shifted(item, by) for key, item in node.items.items()}, place, keys)
    text = node.text
    if text is not None:
        offsets = text.offsets
        moved = (
            range(offsets.start + by, offsets.stop + by)
            if isinstance(offsets, range)
            else [o + by for o in offsets]
        )
        text = type(text)(text.value, COMMAND_LINE, moved)
    return WrittenScalar(node.value, place, text)
