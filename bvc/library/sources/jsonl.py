"""Examples as lines of JSON, which may name files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from bvc.component import DataError, Missing, SettingError, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.component.split import parse_split
from bvc.library.records.files import identified, located, read_below
from bvc.library.records.sliced import sliced


@component("source")
class Jsonl:
    """One example per line of a JSON file (big_vision's `bv:jsonl`).

    Numbers, texts, lists of them and tables of them become features; inner tables are flat (`captions/text`). The
    spec says which there are: `features = { image = "bytes", text = "str" }`.

    Settings:
        path: the file, relative to the data directory; `{split}` in it stands for the name of the split
        files: fields that name a file, and the folder below which it lies: `{ image = "images" }`; the field becomes
            the bytes of the file
    """

    def __init__(self, *, path: str, files: dict[str, str] | None = None) -> None:
        if "{split}" not in path:
            raise SettingError("path", "does not say where a split lies", "write `{split}` for its name")
        self.path = path
        self.files = files or {}

    def features(self) -> Features | None:
        """Not known before the data is read."""
        return None

    def missing(self, split: str, root: str) -> Missing | None:
        """Files of lines that are not there."""
        wanted = [self._lines(part.name, root) for part in parse_split(split)]
        absent = [str(path) for path in wanted if not path.is_file()]
        return Missing(f"a file of examples for `{split}`", tuple(absent)) if absent else None

    def open(self, split: str, root: str) -> Records:
        """The examples of `split`.

        Raises:
            DataError: it holds none, or cannot be read.
        """
        folders = {name: located(folder, root) for name, folder in self.files.items()}
        return sliced(split, lambda name: _open(self._lines(name, root), folders), self.path)

    def _lines(self, split: str, root: str) -> Path:
        return located(self.path.replace("{split}", split), root)


@dataclass(frozen=True)
class Lines:
    """Lines of a file by where they begin; one more entry is where the last ends."""

    path: Path
    starts: np.ndarray = field(repr=False)
    folders: Mapping[str, Path]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        first, last = int(self.starts[number]), int(self.starts[number + 1])
        with open(self.path, "rb") as file:
            file.seek(first)
            line = file.read(last - first)
        try:
            values = json.loads(line)
        except ValueError as error:
            raise DataError(f"a line that is no JSON: {error}", self.describe(number)) from error
        if not isinstance(values, dict):
            raise DataError("a line that is no table", self.describe(number))
        return {name: self._value(name, value, number) for name, value in _flat(values).items()}

    def describe(self, index: int) -> str:
        """File and line."""
        return f"line {index + 1} of {self.path}"

    def fingerprint(self) -> str:
        """Size and time of change of the file; of the files that its lines name, only where they lie."""
        return identified(
            sorted((name, str(folder)) for name, folder in self.folders.items()), files=[self.path]
        )

    def _value(self, name: str, value: Any, number: int) -> Any:
        if name in self.folders:
            return read_below(self.folders[name], str(value))
        if value == []:
            return value  # of no type that could be told from the line
        texts = value if isinstance(value, list) else [value]
        if value is None or (texts and any(isinstance(each, str) for each in texts)):
            if not all(isinstance(each, str) for each in texts):
                raise DataError(f"field `{name}` is neither a text nor a number", self.describe(number))
            return value
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise DataError(
                f"field `{name}` holds lists of different lengths", self.describe(number)
            ) from error
        return array.astype(np.float32) if array.dtype.kind == "f" else array


def _open(path: Path, folders: Mapping[str, Path]) -> Lines:
    starts = [0]
    try:
        with open(path, "rb") as file:
            for line in file:
                starts.append(starts[-1] + len(line))
                if not line.strip():
                    raise DataError("an empty line", f"line {len(starts) - 1} of {path}")
    except OSError as error:
        raise DataError(f"a file of examples that cannot be read: {error.strerror}", str(path)) from error
    return Lines(path, np.array(starts, np.int64), folders)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= {f"{name}/{inner}": item for inner, item in _flat(value).items()}
        else:
            found[name] = value
    return found
