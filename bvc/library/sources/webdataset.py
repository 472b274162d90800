"""Examples in tar files, as WebDataset stores them."""

from __future__ import annotations

import functools
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, SupportsIndex

import numpy as np

from bvc.component import DataError, Feature, Missing, SettingError, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.component.split import parse_split
from bvc.library.records.files import identified
from bvc.library.records.sliced import sliced

_TEXTS = frozenset(("txt", "caption", "text"))
_NUMBERS = frozenset(("cls", "id", "index"))


@component("source")
class Webdataset:
    """Tar files whose members of one name are one example: `0001.jpg`, `0001.txt`, `0001.cls`.

    The members are indexed when the data is opened and read where they lie; nothing is extracted.

    Settings:
        path: the tar files, relative to the data directory; `{split}` is the name of the split, `*` stands for anything
        members: feature -> ending of its member, such as `{ image = "jpg", text = "txt", label = "cls" }`; `txt` is a
            text, `cls` a whole number, all else is bytes
    """

    def __init__(self, *, path: str, members: dict[str, str]) -> None:
        if "{split}" not in path:
            raise SettingError("path", "does not say where a split lies", "write `{split}` for its name")
        self.path = path
        self.members = members

    def features(self) -> Features:
        """As the endings say."""
        return {name: Feature(_dtype(ending)) for name, ending in self.members.items()}

    def missing(self, split: str, root: str) -> Missing | None:
        """Splits without a tar file."""
        patterns = [self.path.replace("{split}", part.name) for part in parse_split(split)]
        absent = [str(Path(root, pattern)) for pattern in patterns if not _found(pattern, root)]
        return Missing(f"tar files for `{split}`", tuple(absent)) if absent else None

    def open(self, split: str, root: str) -> Records:
        """The examples of `split`.

        Raises:
            DataError: it holds none, or a tar file is damaged.
        """

        def opened(name: str) -> Tars:
            return _index(_found(self.path.replace("{split}", name), root), self.members)

        return sliced(split, opened, self.path)


@dataclass(frozen=True)
class Tars:
    """Members by example: `places[example, feature]` is (file, offset, size)."""

    files: tuple[str, ...]
    names: tuple[str, ...]
    members: Mapping[str, str]
    places: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        found: dict[str, Any] = {}
        for (name, ending), (file, offset, size) in zip(
            self.members.items(), self.places[number].tolist(), strict=True
        ):
            with open(self.files[file], "rb") as opened:
                opened.seek(offset)
                data = opened.read(size)
            if len(data) != size:
                raise DataError("a tar file that breaks off", self.describe(number))
            found[name] = self._value(data, ending, number)
        return found

    def describe(self, index: int) -> str:
        """File and name of the example."""
        return f"`{self.names[index]}` in {self.files[self.places[index, 0, 0]]}"

    def fingerprint(self) -> str:
        """Members that are read, and names, sizes and times of change of the files."""
        return identified(sorted(self.members.items()), files=self.files)

    def _value(self, data: bytes, ending: str, number: int) -> Any:
        try:
            if _dtype(ending) == "int64":
                return np.asarray(int(data), np.int64)
            return data.decode("utf-8") if _dtype(ending) == "str" else data
        except ValueError as error:
            raise DataError(
                f"a member `.{ending}` that cannot be read: {error}", self.describe(number)
            ) from error


def _dtype(ending: str) -> str:
    return "str" if ending in _TEXTS else "int64" if ending in _NUMBERS else "bytes"


def _found(pattern: str, root: str) -> list[str]:
    path = Path(pattern).expanduser()
    base = Path(path.anchor) if path.is_absolute() else Path(root)
    return sorted(str(found) for found in base.glob(str(path.relative_to(path.anchor))))


def _check_member(member: tarfile.TarInfo, file: str) -> None:
    """Raise `DataError` for a member that leads out of the tar's folder, or whose bytes are not in one piece."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"a member whose path leads out of its folder: `{member.name}`", file)
    if member.issparse():
        raise DataError(f"a sparse member, which cannot be read in place: `{member.name}`", file)


@functools.lru_cache(maxsize=4096)
def _examples(file: str, size: int, changed: int) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Name -> ending -> offset and size; walking through a file takes long, and evaluations open it again and again."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    with tarfile.open(file, "r:") as tar:
        for member in tar:
            if member.isfile():
                _check_member(member, file)
                folder, _, base = member.name.rpartition("/")
                key, _, ending = base.partition(".")
                where = (member.offset_data, member.size)
                found.setdefault(f"{folder}/{key}" if folder else key, {})[ending] = where
    return found


def _index(files: list[str], members: Mapping[str, str]) -> Tars:
    names: list[str] = []
    places: list[list[tuple[int, int, int]]] = []
    for number, file in enumerate(files):
        try:
            state = os.stat(file)
            examples = _examples(file, state.st_size, state.st_mtime_ns)
        except (tarfile.TarError, OSError) as error:
            raise DataError(f"a tar file that is damaged: {error}", file) from error
        for name, found in examples.items():
            lacking = [ending for ending in members.values() if ending not in found]
            if lacking:
                raise DataError(f"an example `{name}` without a member `.{lacking[0]}`", file)
            names.append(name)
            places.append([(number, *found[ending]) for ending in members.values()])
    shape = (len(names), len(members), 3)
    return Tars(tuple(files), tuple(names), members, np.array(places, np.int64).reshape(shape))
