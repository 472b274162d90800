"""Texts as numbers, by a table."""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Int32

from bvc.component import DataError, Feature, InputFile, Text, Texts, component


@component("op")
class Lookup:
    """The number of a text in a table; -1 where the table does not hold it (big_vision/pp/ops_general.py).

    The table is a text file with one entry per line, numbered from 0 or followed by a separator and its number,
    or an `.npz` file that holds an array of texts.

    Settings:
        mapping: the file
        npzkey: name of the array in an `.npz` file
        sep: separator between an entry and its number; absent: entries are numbered by line
    """

    def __init__(self, mapping: InputFile, npzkey: str = "fnames", sep: str | None = None) -> None:
        self.file = mapping
        self.array = npzkey
        self.sep = sep

    def __call__(self, text: Text | Texts) -> Int32[np.ndarray, "..."]:
        """The number, or one for each text."""
        table = _table(self.file, self.array, self.sep)
        texts = [text] if isinstance(text, str) else text
        numbers = np.array([table.get(each, -1) for each in texts], np.int32)
        return numbers.reshape(()) if isinstance(text, str) else numbers

    def typed(self, text: Feature) -> Feature:
        """One number for each text."""
        return Feature("int32", text.shape)


@functools.lru_cache(maxsize=8)
def _table(file: str, array: str, sep: str | None) -> dict[str, int]:
    try:
        if file.endswith(".npz"):
            with np.load(file, allow_pickle=False) as archive:
                return {str(entry): number for number, entry in enumerate(archive[array].tolist())}
        with open(file, encoding="utf-8") as lines:
            entries = lines.read().split("\n")
        if sep is None:
            return {
                entry: number for number, entry in enumerate(entries) if entry or number < len(entries) - 1
            }
        pairs = [entry.rsplit(sep, 1) for entry in entries if entry]
        return {entry: int(number) for entry, number in pairs}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"a table that cannot be read: {error}", file) from error
