"""Datasets that TFDS prepared."""

from __future__ import annotations

import re
from pathlib import Path

from bvc.component import DataError, Missing, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.library.records.prepared import FILE_FORMATS, Prepared, prepared_file_format

_VERSION = re.compile(r"^\d+\.\d+\.\d+$")


@component("source")
class Tfds:
    """A dataset in the folder that TFDS prepared, `ROOT/NAME[/CONFIG]/VERSION`, as ArrayRecord, TFRecord or Parquet.

    It is read without TensorFlow.

    Images stay encoded, nested features are flat (`captions/text`), texts are strings.

    Settings:
        name: the dataset, with its config where it has one: `coco/2017_panoptic`
        version: its version; absent: the newest one on disk
    """

    def __init__(self, *, name: str, version: str | None = None) -> None:
        self.name = name
        self.version = version

    def features(self) -> Features | None:
        """Not known before the data is there; the card says them."""
        return None

    def missing(self, split: str, root: str) -> Missing | None:
        """What is missing of the prepared folder."""
        command = f"bvc data prepare {self._asked}"
        folder = self._folder(root)
        if folder is None:
            wanted = str(Path(root, self.name, self.version or "VERSION"))
            return Missing(f"dataset `{self.name}`", (wanted,), command)
        found = prepared_file_format(folder)
        if found not in FILE_FORMATS:
            what = f"dataset `{self.name}` as ArrayRecord, TFRecord or Parquet: this folder holds it as `{found}`"
            return Missing(what, (str(folder),), command)
        return None

    def open(self, split: str, root: str) -> Records:
        """The examples of `split`.

        Raises:
            DataError: the folder is not there, or is damaged.
        """
        folder = self._folder(root)
        if folder is None:
            raise DataError(f"dataset `{self.name}` is missing", root, f"bvc data prepare {self._asked}")
        return Prepared.open(str(folder), split)

    @property
    def _asked(self) -> str:
        return self.name if self.version is None else f"{self.name}:{self.version}"

    def _folder(self, root: str) -> Path | None:
        base = Path(root, self.name)
        if self.version is not None:
            folder = base / self.version
            return folder if (folder / "dataset_info.json").is_file() else None
        found = [
            folder
            for folder in (base.iterdir() if base.is_dir() else ())
            if _VERSION.match(folder.name) and (folder / "dataset_info.json").is_file()
        ]
        return max(found, key=lambda folder: tuple(map(int, folder.name.split("."))), default=None)
