"""What a data source offers: facts without touching data, what is missing, and random access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, SupportsIndex, runtime_checkable

from bvc.component.feature import Features


@runtime_checkable
class Records(Protocol):
    """Random access to the raw examples of a split. Picklable: workers open it anew."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Missing:
    """Why data cannot be read on this machine: what is missing, where it was looked for, and the command that
    prepares it.
    """

    what: str
    looked: tuple[str, ...]
    command: str | None = None


@runtime_checkable
class Source(Protocol):
    """A data source, made from its settings; making it touches no data."""

    def features(self) -> Features | None:
        """Features of a raw example, where the source itself knows them (else the card's are used)."""
        ...

    def missing(self, split: str, root: str) -> Missing | None:
        """What is missing below the data directory `root`, or None if `split` can be opened."""
        ...

    def open(self, split: str, root: str) -> Records:
        """The examples of `split` (TFDS slicing such as `train[:99%]`)."""
        ...
