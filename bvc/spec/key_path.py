"""Paths written as text: `evals."a b".data`, `model.*.init`, `data.train.pipeline[3]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEGMENT = re.compile(
    r'\s*(?:"((?:\\.|[^"\\])*)"|\'([^\']*)\'|([^\s."\'\[\]=*]+|\*))((?:\s*\[\s*\d{1,9}\s*\])*)\s*'
)
_INDEX = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A key of a path, the item numbers after it, and the characters that it takes up."""

    key: str
    indices: tuple[int, ...]
    start: int
    end: int


def segments(path: str) -> list[Segment] | None:
    """The segments of a path, or None where it is none."""
    found: list[Segment] = []
    position = 0
    while True:
        match = _SEGMENT.match(path, position)
        if match is None:
            return None
        double, single, bare, indices = match.groups()
        key = bare if bare is not None else single if single is not None else re.sub(r"\\(.)", r"\1", double)
        numbers = tuple(int(number) for number in _INDEX.findall(indices))
        begin = match.start() + len(match.group()) - len(match.group().lstrip())
        found.append(Segment(key, numbers, begin, match.start() + len(match.group().rstrip())))
        position = match.end()
        if position == len(path):
            return found
        if path[position] != ".":
            return None
        position += 1


def unset_segments(path: str) -> tuple[str, ...] | None:
    """The keys of a pattern of `unset`, where `*` stands for any one; None where it is no pattern."""
    found = segments(path)
    if found is None or any(segment.indices for segment in found):
        return None
    return tuple(segment.key for segment in found)
