"""A folder that TFDS prepared as ArrayRecord, TFRecord or Parquet: its features, splits, and its examples."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from bvc.component import DataError, Feature
from bvc.component.split import SplitError, parse_split
from bvc.library.records.example import Field, check_classes, fields_of, read_example
from bvc.library.records.files import identified
from bvc.library.records.tfrecord import TfRecords


@dataclass(frozen=True)
class Prepared:
    """The examples at `ranges` of splits, one after another. Files are opened on first use, in each process.

    Attributes:
        folder: the folder with `dataset_info.json`.
        split: the split as it was asked for.
        ranges: (split, first, one past the last) of each part.
        wanted: features that are read; None: all.
    """

    folder: str
    split: str
    ranges: tuple[tuple[str, int, int], ...]
    wanted: frozenset[str] | None = None

    @staticmethod
    def open(folder: str, split: str) -> Prepared:
        """The examples of `split`, a TFDS slicing.

        Raises:
            DataError: there is no such split in the folder, or its description cannot be read.
        """
        sizes = split_sizes(Path(folder))
        try:
            parts = parse_split(split, sizes)
        except SplitError as error:
            raise DataError(f"`{split}` {error.reason}", folder, error.help) from error
        ranges = [(part.name, part.range(sizes[part.name])) for part in parts]
        return Prepared(folder, split, tuple((name, taken.start, taken.stop) for name, taken in ranges))

    def __len__(self) -> int:
        return sum(last - first for _, first, last in self.ranges)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        return self._example(*self._at(index.__index__()))

    def describe(self, index: int) -> str:
        """The name of a record, for messages."""
        return self._where(*self._at(index))

    def fingerprint(self) -> str:
        """Splits and ranges, and names, sizes and times of change of all files of the folder."""
        files = sorted(file for file in Path(self.folder).iterdir() if file.is_file())
        return identified(self.ranges, files=files)

    def stored(self, index: int) -> bytes:
        """A record as it lies in its file, a serialized `tf.Example`.

        Raises:
            DataError: it cannot be read.
        """
        name, position = self._at(index)
        return self._raw(name, position)

    def only(self, names: frozenset[str]) -> Prepared:
        """The same examples with these features alone."""
        return replace(self, wanted=names)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _at(self, index: int) -> tuple[str, int]:
        """Split and position in it."""
        for name, first, last in self.ranges:
            if index < last - first:
                return name, first + index
            index -= last - first
        raise IndexError(index)

    def _raw(self, split: str, position: int) -> bytes:
        try:
            return self._files[split][position]
        except (RuntimeError, ValueError, IndexError, OSError) as error:
            raise DataError(f"a record that cannot be read: {error}", self._where(split, position)) from error

    def _example(self, split: str, position: int) -> Mapping[str, Any]:
        raw = self._raw(split, position)
        try:
            if self._fields is not None:
                return read_example(raw, self._fields)
            parsed = self._spec.deserialize_example_np(raw, decoders=self._decoders)
            return {name: value for name, value in _flat(parsed, self._spec) if self._wants(name)}
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = f"a record that does not have the features of the dataset: {error}"
            raise DataError(reason, self._where(split, position)) from error

    def _where(self, split: str, position: int) -> str:
        return f"record {position} of split `{split}` in {self.folder}"

    @cached_property
    def features(self) -> Mapping[str, Feature]:
        """Features of one example, as the folder declares them."""
        return {name: feature for name, feature in _types(self._spec) if self._wants(name)}

    def _wants(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted

    @cached_property
    def _builder(self) -> Any:
        import tensorflow_datasets as tfds

        try:
            return tfds.builder_from_directory(self.folder)
        except (ValueError, KeyError, OSError, json.JSONDecodeError) as error:
            raise DataError(f"a dataset whose description cannot be read: {error}", self.folder) from error

    @cached_property
    def _spec(self) -> Any:
        """TFDS features, without those of which nothing is wanted: they are not even parsed."""
        whole = self._builder.info.features
        if self.wanted is None:
            return whole
        groups = {
            part
            for name in self.wanted
            for part in (name, *itertools.accumulate(name.split("/"), "{}/{}".format))
        }
        return type(whole)({name: inner for name, inner in whole.items() if name in groups})

    @cached_property
    def _fields(self) -> tuple[Field, ...] | None:
        """Those that are wanted; None where TFDS itself must read them."""
        found = fields_of(self._spec)
        return None if found is None else tuple(field for field in found if self._wants(field.name))

    @cached_property
    def _decoders(self) -> Any:
        return _skipping(self._spec)

    @cached_property
    def _files(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for name in {name for name, _, _ in self.ranges}:
            paths = [str(path) for path in self._builder.info.splits[name].filepaths]
            absent = [path for path in paths if not Path(path).is_file()]
            if absent:
                raise DataError(f"{len(absent)} of {len(paths)} files are missing", absent[0])
            try:
                found[name] = _READERS[prepared_file_format(Path(self.folder))](paths)
            except (RuntimeError, ValueError, OSError) as error:
                raise DataError(f"files that are damaged: {error}", paths[0]) from error
        return found


def _array_record(paths: list[str]) -> Any:
    from array_record.python import array_record_data_source

    return array_record_data_source.ArrayRecordDataSource(paths)


def _parquet(paths: list[str]) -> Any:
    from bvc.library.records.parquet import ParquetRecords

    return ParquetRecords(paths)


_READERS = {"array_record": _array_record, "tfrecord": TfRecords, "parquet": _parquet}
FILE_FORMATS = tuple(_READERS)
"""What can be read, as TFDS names it."""


def split_sizes(folder: Path) -> dict[str, int]:
    """Examples in each split of a prepared folder.

    Raises:
        DataError: its description cannot be read.
    """
    splits = _info(folder).get("splits", [])
    return {split["name"]: sum(int(count) for count in split.get("shardLengths", [])) for split in splits}


def prepared_file_format(folder: Path) -> str:
    """`array_record`, `tfrecord`, ... as the folder's description says."""
    return str(_info(folder).get("fileFormat", "tfrecord"))


def _info(folder: Path) -> dict[str, Any]:
    file = folder / "dataset_info.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"a dataset whose description cannot be read: {error}", str(file)) from error
    if not isinstance(found, dict):
        raise DataError("a dataset whose description is no table", str(file))
    return found


def _kind(spec: Any) -> str:
    return type(spec).__name__


def _skipping(spec: Any) -> Any:
    """Decoders that leave every image encoded, in the nesting of the features."""
    import tensorflow_datasets as tfds

    if _kind(spec) == "FeaturesDict":
        found = {name: _skipping(inner) for name, inner in spec.items()}
        return {name: decoder for name, decoder in found.items() if decoder is not None} or None
    return tfds.decode.SkipDecoding() if _kind(spec) in ("Image", "LabeledImage") else None


def _types(spec: Any, prefix: str = "", outer: tuple[str, ...] = ()) -> Sequence[tuple[str, Feature]]:
    """Flat names and types of TFDS features; the dim of a sequence is named after it."""
    found: list[tuple[str, Feature]] = []
    for name, inner in spec.items():
        full, dims = prefix + name, outer
        while _kind(inner) == "Sequence":
            dims, inner = (*dims, f"{full}_n"), inner.feature
        if _kind(inner) == "FeaturesDict":
            found += _types(inner, f"{full}/", dims)
        elif _kind(inner) in ("Image", "LabeledImage"):
            found.append((full, Feature("bytes", dims)))
        else:
            shape = tuple(f"{full}_{i}" if size is None else size for i, size in enumerate(inner.shape))
            dtype = np.dtype(inner.np_dtype)
            found.append((full, Feature("str" if dtype.kind in "OSU" else dtype.name, (*dims, *shape))))
    return found


def _flat(parsed: Mapping[str, Any], spec: Any, prefix: str = "") -> Sequence[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, inner in spec.items():
        value, full = parsed[name], prefix + name
        while _kind(inner) == "Sequence":
            inner = inner.feature
        if _kind(inner) == "FeaturesDict":
            found += _flat(value, inner, f"{full}/")
        elif _kind(inner) in ("Image", "LabeledImage"):
            found.append((full, value))
        else:
            dtype = np.dtype(inner.np_dtype)
            found.append((full, _text(value) if dtype.kind in "OSU" else np.asarray(value, dtype)))
            if _kind(inner) == "ClassLabel":
                check_classes(full, found[-1][1], inner.num_classes)
    return found


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        return value
    return [_text(item) for item in value]
