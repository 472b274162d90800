"""Parts of splits whose sizes are known when they are opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

from bvc.component import DataError
from bvc.component.source import Records
from bvc.component.split import SplitError, parse_split
from bvc.library.records.files import identified


@dataclass(frozen=True)
class Sliced:
    """Ranges of several records, one after another."""

    parts: tuple[tuple[Records, range], ...]

    def __len__(self) -> int:
        return sum(len(taken) for _, taken in self.parts)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        records, number = self._at(index.__index__())
        return records[number]

    def describe(self, index: int) -> str:
        """The name of a record, for messages."""
        records, number = self._at(index)
        describe: Callable[[int], str] = getattr(records, "describe", lambda at: f"example {at}")
        return describe(number)

    def fingerprint(self) -> str | None:
        """What the examples depend on; None where one of the records does not say."""
        inner = [getattr(records, "fingerprint", lambda: None)() for records, _ in self.parts]
        if any(each is None for each in inner):
            return None
        return identified(inner, [(taken.start, taken.stop) for _, taken in self.parts], files=())

    def _at(self, index: int) -> tuple[Records, int]:
        for records, taken in self.parts:
            if index < len(taken):
                return records, taken[index]
            index -= len(taken)
        raise IndexError(index)


def sliced(split: str, opened: Callable[[str], Records], where: str) -> Sliced:
    """The examples that a TFDS slicing names.

    Args:
        split: the slicing.
        opened: the records of one whole split.
        where: what `opened` reads, for messages.

    Raises:
        DataError: the slicing holds no example.
    """
    try:
        whole = {part.name: opened(part.name) for part in parse_split(split)}
        parts = parse_split(split, {name: len(records) for name, records in whole.items()})
    except SplitError as error:
        raise DataError(f"`{split}` {error.reason}", where, error.help) from error
    return Sliced(tuple((whole[part.name], part.range(len(whole[part.name]))) for part in parts))
