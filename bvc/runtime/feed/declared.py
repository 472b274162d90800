"""Raw examples, held to the features that the spec or the card declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np

from bvc.component.error import DataError
from bvc.component.feature import Dim, Feature, Features
from bvc.component.source import Records
from bvc.runtime.feed.batches import reading, where


@dataclass(frozen=True)
class Declared:
    """Records whose examples have these features; what differs is an error that names the record.

    Attributes:
        records: what is read.
        features: features of one example.
    """

    records: Records
    features: Features

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        example = self.records[index]
        try:
            return {name: _held(name, example, feature) for name, feature in self.features.items()}
        except DataError as error:
            raise DataError(error.what, where(self.records, index.__index__()), error.help) from error

    def only(self, names: frozenset[str]) -> Declared:
        """The same examples with these features alone.

        Raises:
            DataError: the data itself declares one of them otherwise, or not at all.
        """
        read = reading(self.records, names)
        wanted = {name: feature for name, feature in self.features.items() if name in names}
        there: Features | None = getattr(read, "features", None)
        for name, feature in wanted.items() if isinstance(there, Mapping) else ():
            found = there.get(name) if there else None
            if found is None or found.dtype != feature.dtype or not _fits(feature.shape, found.shape):
                what = f"feature `{name}` is not there" if found is None else f"feature `{name}` is {found}"
                help = (
                    "declare what the data holds (the `version` of a dataset may differ), or prepare it anew"
                )
                raise DataError(
                    f"a dataset whose features changed: {what}, declared is {feature}", where(read, 0), help
                )
        return Declared(read, wanted)

    def describe(self, index: int) -> str:
        """The name of a record, for messages."""
        return where(self.records, index)

    def fingerprint(self) -> str | None:
        """What the examples depend on; None where the source does not say."""
        return fingerprint_of(self.records)


def fingerprint_of(records: Records) -> str | None:
    """A text that changes when the examples do, from `fingerprint()` of the records; None where they have none."""
    found = getattr(records, "fingerprint", None)
    return None if found is None else found()


def _held(name: str, example: Mapping[str, Any], feature: Feature) -> Any:
    """The value of a feature, if it is of its type. A list without values is of any; whole numbers pass for others."""
    if name not in example:
        help = "mend the record, or leave such records out"
        raise DataError(
            f"an example without feature `{name}`: it holds {', '.join(example) or 'none'}", "", help
        )
    value = example[name]
    if feature.dtype in ("bytes", "str"):
        kind = bytes if feature.dtype == "bytes" else str
        if not (isinstance(value, list) if feature.shape else isinstance(value, kind)):
            raise _differs(name, _described(value), feature)
        return value
    if isinstance(value, list) and not value and feature.shape:
        return np.zeros([dim if isinstance(dim, int) else 0 for dim in feature.shape], feature.dtype)
    if isinstance(value, str | bytes | list) or not hasattr(value, "dtype"):
        raise _differs(name, _described(value), feature)
    if value.dtype.kind in "iu" and np.dtype(feature.dtype).kind == "f":
        value = np.asarray(value, feature.dtype)
    if value.dtype.name != feature.dtype or not _fits(feature.shape, value.shape):
        raise _differs(name, str(Feature(value.dtype.name, value.shape)), feature)
    return value


def _fits(declared: tuple[Dim, ...], found: tuple[Dim, ...]) -> bool:
    return len(declared) == len(found) and all(
        a == b for a, b in zip(declared, found, strict=True) if isinstance(a, int) and isinstance(b, int)
    )


def _described(value: Any) -> str:
    if isinstance(value, list):
        inner = {type(each).__name__ for each in value}
        return f"{'/'.join(sorted(inner))}[{len(value)}]"
    return type(value).__name__


def _differs(name: str, found: str, feature: Feature) -> DataError:
    return DataError(f"feature `{name}` of type {found}, declared is {feature}")
