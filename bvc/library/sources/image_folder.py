"""Images in folders, one for each class."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from bvc.component import DataError, Feature, Missing, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.component.split import parse_split
from bvc.library.records.files import identified, located, read_below
from bvc.library.records.sliced import sliced

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"))


@component("source")
class ImageFolder:
    """Images in `PATH/SPLIT/CLASS/...`; classes are numbered by name.

    Images are ordered by a digest of their names, so that every part of a split, such as `train[:99%]`, holds all
    classes in their proportions.

    Settings:
        path: the folder; relative to the data directory
    """

    def __init__(self, *, path: str) -> None:
        self.path = path

    def features(self) -> Features:
        """Image, class, and the name of the file below the split's folder."""
        return {"image": Feature("bytes"), "label": Feature("int64"), "file_name": Feature("str")}

    def missing(self, split: str, root: str) -> Missing | None:
        """Folders of splits that are not there."""
        folders = [located(self.path, root) / part.name for part in parse_split(split)]
        absent = [str(folder) for folder in folders if not folder.is_dir()]
        return Missing(f"a folder of images for `{split}`", tuple(absent)) if absent else None

    def open(self, split: str, root: str) -> Records:
        """The images of `split`.

        Raises:
            DataError: it holds no image.
        """
        folder = located(self.path, root)
        return sliced(split, lambda name: _list(folder / name), str(folder))


@dataclass(frozen=True)
class Images:
    """Files below a folder, with the numbers of their classes."""

    folder: Path
    names: tuple[str, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        name = self.names[number]
        image, label = read_below(self.folder, name), np.asarray(self.labels[number], np.int64)
        return {"image": image, "label": label, "file_name": name}

    def describe(self, index: int) -> str:
        """The file's path."""
        return str(self.folder / self.names[index])

    def fingerprint(self) -> str:
        """Names, classes, sizes and times of change of the files."""
        return identified(self.names, self.labels, files=(self.folder / name for name in self.names))


def _list(folder: Path) -> Images:
    try:
        classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise DataError(f"a folder of images that cannot be read: {error.strerror}", str(folder)) from error
    found = [
        (path.relative_to(folder).as_posix(), number)
        for number, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"))
        if path.suffix.lower() in SUFFIXES
    ]
    found.sort(key=lambda each: hashlib.md5(each[0].encode(), usedforsecurity=False).digest())
    return Images(folder, tuple(name for name, _ in found), tuple(number for _, number in found))
