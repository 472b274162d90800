"""Sources by where they lie: a folder or file on this machine, and the source that reads it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvc.component import registry
from bvc.component.error import DataError, SettingError
from bvc.component.feature import Features
from bvc.component.source import Records, Source
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import data as catalog
from bvc.runtime.feed.features_seen import features_seen

IMAGES = ("jpg", "jpeg", "png", "webp", "gif", "bmp")
"""Endings of tar members that become the feature `image`."""
_MEMBERS = {**dict.fromkeys(IMAGES, "image"), "txt": "text", "cls": "label"}
_SPLIT = "{split}"
_INFO = "dataset_info.json"
_RECORDS = ("tfrecord", "array_record")
"""Formats of TFDS whose records are the same bytes."""
_VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True)
class StoredSource:
    """A source that was found.

    Attributes:
        name: what the data is called, from its path.
        version: its version; None where it has none.
        kind: the source component's name.
        source: the source.
        root: the data directory that it is opened with.
        splits: names of the splits that are there.
        folder: a folder of records that TFDS wrote; None for all else.
        files: fields of JSON lines that name files.
        shuffled: whether a slice of a split is like the whole, as in what TFDS writes.
    """

    name: str
    version: str | None
    kind: str
    source: Source
    root: str
    splits: tuple[str, ...]
    folder: Path | None = None
    files: tuple[str, ...] = ()
    shuffled: bool = False

    def open(self, split: str) -> Records:
        """The examples of a split.

        Raises:
            DataError: it cannot be opened.
        """
        return self.source.open(split, self.root)

    def features(self, records: Records) -> Features:
        """The types of a raw example; where the source does not say them, from every example of `records`.

        Raises:
            DataError: an example cannot be read, or does not have the features of those before it.
        """
        told = self.source.features() or getattr(records, "features", None)
        return told or features_seen(records, self.files)


def find_source(text: str, files: Mapping[str, str] | None = None) -> StoredSource:
    """The source that a path means.

    A folder that TFDS wrote (or the folder of its versions); a folder SPLIT/CLASS/image; a `.tar` or `.jsonl` file,
    whose name is that of the split, or a pattern of such files with `{split}` in it.

    Args:
        text: the path.
        files: of JSON lines: field -> folder, for fields that name a file.

    Raises:
        Failed: nothing is there, or it is none of these (B0149).
    """
    path = Path(text).expanduser().absolute()
    if _SPLIT in text:
        return _pattern(text, path, files or {})
    if path.is_file() and path.suffix in (".tar", ".jsonl", ".json"):
        return _pattern(text, path.with_name(f"{_SPLIT}{path.suffix}"), files or {}, (path.stem,))
    try:
        if not path.is_dir():
            reason = "it is neither a folder, nor a `.tar` or `.jsonl` file"
            reason = reason if path.exists() else "there is no such file or folder"
            raise Failed(catalog.no_such_source(text, reason, str(path)))
        folder = _prepared(path)
        if folder is not None:
            return _tfds(text, folder)
        splits = [each.name for each in sorted(path.iterdir()) if each.is_dir() and _has_folders(each)]
    except OSError as error:
        raise Failed(catalog.no_such_source(text, str(error.strerror), str(path))) from error
    if not splits:
        reason = "it holds no dataset that TFDS wrote, and no folders SPLIT/CLASS of images"
        raise Failed(catalog.no_such_source(text, reason, str(path)))
    source = _made("image_folder", path=str(path))
    return StoredSource(path.name, None, "image_folder", source, str(path), tuple(splits))


def _has_folders(path: Path) -> bool:
    return any(inner.is_dir() for inner in path.iterdir())


def _prepared(path: Path) -> Path | None:
    """The folder with the description: this one, or that of the newest version in it."""
    if (path / _INFO).is_file():
        return path
    versions = [
        inner for inner in path.iterdir() if _VERSION.fullmatch(inner.name) and (inner / _INFO).is_file()
    ]
    return max(versions, key=lambda folder: tuple(map(int, folder.name.split("."))), default=None)


def _tfds(text: str, folder: Path) -> StoredSource:
    import json

    try:
        info = json.loads((folder / _INFO).read_text(encoding="utf-8"))
        own = str(info.get("name", ""))
        splits = tuple(split["name"] for split in info.get("splits", []))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = f"its description cannot be read: {error}"
        raise Failed(catalog.no_such_source(text, reason, str(folder / _INFO))) from error
    above = folder.parent
    name = above.name if above.name == own or above.parent.name != own else f"{own}/{above.name}"
    root = folder
    for _ in range(name.count("/") + 2):
        root = root.parent
    source = _made("tfds", name=name, version=folder.name)
    missing = source.missing(splits[0], str(root)) if splits else None
    if missing is not None or not splits:
        reason = missing.what if missing else "it has no splits"
        raise Failed(catalog.no_such_source(text, f"no {reason}" if missing else reason, str(folder)))
    copies = info.get("fileFormat", "tfrecord") in _RECORDS
    copied = folder if copies else None
    return StoredSource(name, folder.name, "tfds", source, str(root), splits, copied, shuffled=True)


def _pattern(text: str, path: Path, files: Mapping[str, str], only: tuple[str, ...] = ()) -> StoredSource:
    """Tar or JSON-lines files; `path` has `{split}` in its name."""
    folder = path.parent
    if _SPLIT in str(folder) or not folder.is_dir():
        reason = "`{split}` can stand in the name of a file alone, and the folder must be there"
        raise Failed(catalog.no_such_source(text, reason, str(folder)))
    name = re.escape(path.name).replace(re.escape(_SPLIT), r"(?P<split>[\w-]+?)").replace(r"\*", ".*")
    found = {
        match["split"]: file
        for file in sorted(folder.iterdir(), reverse=True)
        if (match := re.fullmatch(name, file.name)) and (not only or match["split"] in only)
    }
    if not found:
        raise Failed(catalog.no_such_source(text, "no file fits it", str(path)))
    splits = tuple(sorted(found))
    if path.suffix == ".tar":
        members = _members(text, found[splits[0]])
        source = _made("webdataset", path=str(path), members=members)
        return StoredSource(folder.name, None, "webdataset", source, str(folder), splits)
    if path.suffix not in (".jsonl", ".json"):
        raise Failed(catalog.no_such_source(text, "neither `.tar` nor `.jsonl`", str(path)))
    source = _made("jsonl", path=str(path), files=dict(files))
    return StoredSource(folder.name, None, "jsonl", source, str(folder), splits, files=tuple(files))


def _members(text: str, file: Path) -> dict[str, str]:
    """Feature -> ending, from the members of the first example of a tar file."""
    found: dict[str, str] = {}
    first = None
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                above, _, base = member.name.rpartition("/")
                stem, _, ending = base.partition(".")
                first = first or (above, stem)
                if (above, stem) != first:
                    break
                if ending in _MEMBERS:
                    found.setdefault(_MEMBERS[ending], ending)
    except (tarfile.TarError, OSError) as error:
        raise Failed(catalog.no_such_source(text, f"it is no tar file: {error}", str(file))) from error
    if not found:
        reason = f"its first example has no member of {', '.join(f'`.{ending}`' for ending in _MEMBERS)}"
        raise Failed(catalog.no_such_source(text, reason, str(file)))
    return found


def _made(kind: str, **settings: Any) -> Source:
    component = registry.find("source", kind)
    assert component is not None
    try:
        return component.target(**settings)
    except SettingError as error:
        raise DataError(f"a source `{kind}` whose `{error.name}` {error.reason}") from error
