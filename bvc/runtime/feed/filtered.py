"""Splits with a filter: every example is looked at once, and the numbers of those that remain are kept on disk."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from jaxtyping import Int64

from bvc.compile.nodes import is_file
from bvc.compile.pipeline.filtering import Condition, compile_filter
from bvc.component.error import DataError
from bvc.component.source import Records
from bvc.ir import DataNode, OpNode
from bvc.runtime.feed.batches import reading, where
from bvc.runtime.feed.declared import fingerprint_of
from bvc.runtime.feed.verdicts import Verdicts

Told = Callable[[str], None]
"""Told now and then how far something is."""

_FORMAT = 1
_EVERY_SECONDS = 10.0
_CHUNK = 1000
"""Examples between two writes: what an interruption loses at most."""


@dataclass(frozen=True)
class Filtered:
    """The examples of `records` at these positions, in order."""

    records: Records
    numbers: Int64[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        return self.records[int(self.numbers[index.__index__()])]

    def only(self, names: frozenset[str]) -> Filtered:
        """The same examples with these features alone."""
        return replace(self, records=reading(self.records, names))

    def describe(self, index: int) -> str:
        """The name of a record, for messages."""
        return where(self.records, int(self.numbers[index]))

    def fingerprint(self) -> str | None:
        """What the examples depend on; None where the source does not say."""
        whole = fingerprint_of(self.records)
        return None if whole is None else _hashed([whole, hashlib.sha256(self.numbers.tobytes()).hexdigest()])


def filtered(data: DataNode, records: Records, told: Told | None = None) -> Records:
    """The records that pass the filter of `data`; all, if it has none.

    Which do is a function of the data and the filter, and kept in the user's cache folder under a hash of what it
    depends on: the conditions with their code, and the data as its source identifies it. Where a source cannot do
    that, its data is looked at in every run.

    Args:
        data: what is read, with its filter.
        records: all of it.
        told: how far it is.

    Raises:
        DataError: a condition cannot read a record, or no example remains.
    """
    if not data.filter:
        return records
    condition = compile_filter(data)
    key = _key(data, records)
    with Verdicts.open(key, len(records)) as verdicts:
        if len(verdicts) < len(records):
            _look(data, reading(records, condition.inputs), condition, verdicts, told)
        numbers = verdicts.passed()
    if not len(numbers):
        raise DataError(
            f"a filter that none of the {len(records)} examples of `{data.split}` passes", data.name
        )
    return Filtered(records, numbers)


def _look(
    data: DataNode, records: Records, condition: Condition, verdicts: Verdicts, told: Told | None
) -> None:
    """The verdicts that are missing, from the first one on."""
    begun = time.monotonic()
    while (done := len(verdicts)) < len(records):
        chunk: list[bool] = []
        for number in range(done, min(done + _CHUNK, len(records))):
            try:
                chunk.append(condition(records[number], number))
            except DataError as error:
                verdicts.extend(chunk)
                raise DataError(error.what, error.looked or where(records, number), error.help) from error
        verdicts.extend(chunk)
        if told and time.monotonic() - begun > _EVERY_SECONDS:
            begun = time.monotonic()
            told(f"filtering `{data.split}` of `{data.name}`: {len(verdicts)} of {len(records)} examples")


def _key(data: DataNode, records: Records) -> str | None:
    """A hash of everything that the verdicts depend on; None where the data cannot be identified."""
    content = fingerprint_of(records)
    if content is None:
        return None
    calls = [
        [call.name, _settings(call), dict(call.reads), _content(call.component.file)] for call in data.filter
    ]
    return _hashed([_FORMAT, content, len(records), calls])


def _hashed(value: list[Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _settings(call: OpNode) -> dict[str, str]:
    """Settings of a condition; of those that name a file, what is in it."""
    return {
        name: _content(value) if is_file(call, name) else repr(value) for name, value in call.settings.items()
    }


def _content(file: str) -> str:
    """A hash of a file; a component that was declared at a prompt has none."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""
