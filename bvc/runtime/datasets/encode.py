"""Examples as TFDS stores them: serialized `tf.Example`s, and the description of a dataset that holds them."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bvc.component.error import DataError
from bvc.component.feature import Feature, Features
from bvc.component.source import Records
from bvc.runtime.feed.batches import where
from bvc.runtime.feed.stored_source import StoredSource

FORMAT = "array_record"
_INFO = "dataset_info.json"


class Encoder(Protocol):
    """From an example to the bytes of its record."""

    @property
    def described(self) -> Mapping[str, str]:
        """Feature -> type."""
        ...

    def __call__(self, records: Any, number: int) -> bytes:
        """The record of an example. Raises `DataError` where it cannot be read."""
        ...

    def finish(self, folder: Path, name: str, version: str, lengths: Mapping[str, list[int]]) -> None:
        """Write the description; `lengths` are the examples in each file of a split."""
        ...


def make_encoder(source: StoredSource, records: Mapping[str, Records]) -> Encoder:
    """Records of TFDS are copied as they are, all others are written by the types of their features.

    Raises:
        DataError: the features cannot be read, or differ between splits.
    """
    features: Features | None = None
    for split, each in records.items():
        found = source.features(each)
        if features is not None and {n: str(f) for n, f in found.items()} != {
            n: str(f) for n, f in features.items()
        }:
            raise DataError(f"split `{split}` with other features than the splits before it", source.name)
        features = found
    described = {name: str(feature) for name, feature in sorted((features or {}).items())}
    return (
        Copied(described, source.folder) if source.folder else Written.of(described, features or {}, source)
    )


@dataclass(frozen=True)
class Copied:
    """Records of a folder that TFDS wrote, byte by byte."""

    described: Mapping[str, str]
    folder: Path

    def __call__(self, records: Any, number: int) -> bytes:
        """The record as it lies in its file."""
        return records.stored(number)

    def finish(self, folder: Path, name: str, version: str, lengths: Mapping[str, list[int]]) -> None:
        """The description of the old folder, with the new files."""
        info = json.loads((self.folder / _INFO).read_text(encoding="utf-8"))
        for file in sorted(self.folder.iterdir()):
            if file.suffix in (".json", ".txt") and file.name != _INFO:
                shutil.copyfile(file, folder / file.name)
        info["name"], info["version"], info["fileFormat"] = name.partition("/")[0], version, FORMAT
        for split in info["splits"]:
            split["filepathTemplate"] = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
            split["shardLengths"] = [str(length) for length in lengths[split["name"]]]
            split["numBytes"] = str(_bytes(folder, split["name"]))
        _write(folder / _INFO, json.dumps(info, indent=2) + "\n")


@dataclass(frozen=True)
class Written:
    """Examples of any source, by TFDS' own features."""

    described: Mapping[str, str]
    features: Features
    made: Any
    serializer: Any

    @staticmethod
    def of(described: Mapping[str, str], features: Features, source: StoredSource) -> Written:
        """The encoder of examples with these features.

        Raises:
            DataError: one of them cannot be stored.
        """
        import tensorflow_datasets as tfds
        from tensorflow_datasets.core.example_serializer import ExampleSerializer

        tree: dict[str, Any] = {}
        for name, feature in features.items():
            inner = tree
            *above, last = name.split("/")
            for part in above:
                inner = inner.setdefault(part, {})
            inner[last] = _connector(name, feature, source.name)
        made = tfds.features.FeaturesDict(tree)
        specs: Any = made.get_serialized_info()
        return Written(described, features, made, ExampleSerializer(specs))

    def __call__(self, records: Any, number: int) -> bytes:
        """The example, serialized."""
        example = records[number]
        tree: dict[str, Any] = {}
        for name, feature in self.features.items():
            if name not in example:
                raise DataError(f"an example without feature `{name}`", where(records, number))
            inner = tree
            *above, last = name.split("/")
            for part in above:
                inner = inner.setdefault(part, {})
            inner[last] = _value(example[name], feature)
        try:
            stored = self.serializer.get_tf_example(self.made.encode_example(tree))
        except (ValueError, TypeError) as error:
            told = " ".join(str(error).split())
            raise DataError(f"an example that cannot be stored: {told}", where(records, number)) from error
        # features are a map, whose order otherwise differs between processes
        return stored.SerializeToString(deterministic=True)

    def finish(self, folder: Path, name: str, version: str, lengths: Mapping[str, list[int]]) -> None:
        """A description of the features and files."""
        import tensorflow_datasets as tfds
        from tensorflow_datasets.core.naming import ShardedFileTemplate

        stem = name.partition("/")[0]
        at: Any = folder
        splits = [
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=counts,
                num_bytes=_bytes(folder, split),
                filename_template=ShardedFileTemplate(
                    data_dir=at, dataset_name=stem, split=split, filetype_suffix=FORMAT
                ),
            )
            for split, counts in lengths.items()
        ]
        tfds.folder_dataset.write_metadata(
            data_dir=str(folder), features=self.made, split_infos=splits, version=version, check_data=False
        )


def _connector(name: str, feature: Feature, source: str) -> Any:
    """The feature of TFDS that stores values of a type."""
    import tensorflow_datasets as tfds

    plain: Mapping[str, Callable[[], Any]] = {"str": tfds.features.Text, "bytes": tfds.features.Image}
    free = [dim for dim in feature.shape if isinstance(dim, str)]
    if feature.dtype in plain and len(feature.shape) < 2:
        made = plain[feature.dtype]()
        return tfds.features.Sequence(made) if feature.shape else made
    if feature.dtype in plain or len(free) > 1 or (free and not isinstance(feature.shape[0], str)):
        raise DataError(f"a feature `{name}` of type {feature}, which cannot be stored", source)
    dtype, shape = np.dtype(feature.dtype), [int(dim) for dim in feature.shape if dim not in free]
    stored = tfds.features.Tensor(shape=tuple(shape), dtype=dtype)
    return tfds.features.Sequence(stored) if free else stored


def _value(value: Any, feature: Feature) -> Any:
    if isinstance(value, bytes):
        return io.BytesIO(value)
    if isinstance(value, str):
        return value
    if feature.dtype == "str":
        return list(value)
    if not np.size(value):
        shape = (0, *(dim if isinstance(dim, int) else 0 for dim in feature.shape[1:]))
        return np.zeros(shape, feature.dtype)
    return np.asarray(value, feature.dtype)


def _bytes(folder: Path, split: str) -> int:
    return sum(file.stat().st_size for file in folder.glob(f"*-{split}.{FORMAT}-*"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
