"""Any source as a TFDS dataset of ArrayRecord files, without TensorFlow.

Files are written one after another into a folder aside; each gets its name when it is whole, and the folder its name
when all are there. So a conversion that is interrupted, by whatever, continues with the file that it was at. What a
file holds depends on the source alone: an uninterrupted conversion writes the same bytes.

As TFDS does, examples are written in an order that is fixed but shuffled: a slice such as `train[:99%]` of a folder of
classes would otherwise lack the last of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bvc.component.source import Records
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import data as catalog
from bvc.runtime.datasets.encode import FORMAT, Encoder, make_encoder
from bvc.runtime.feed.batches import where
from bvc.runtime.feed.declared import fingerprint_of
from bvc.runtime.feed.stored_source import StoredSource
from bvc.runtime.lock import NAME as LOCK
from bvc.runtime.lock import Lock, Taken

FILE_BYTES = 1 << 27
"""Bytes of a file, about; so much is at most done again after an interruption."""

_SAMPLES = 16
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:/[a-z0-9_.]+)?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_JOB = "job.json"
_INFO = "dataset_info.json"
_PART = ".part"

Told = Callable[[int, int], None]
"""Told (examples written, examples in all)."""


@dataclass(frozen=True)
class Converted:
    """What lies where.

    Attributes:
        folder: the dataset.
        examples: by split.
        features: feature -> type, as a spec writes it.
        written: whether anything was done.
    """

    folder: Path
    examples: dict[str, int]
    features: dict[str, str]
    written: bool


def convert(
    source: StoredSource, name: str, version: str, root: str, told: Told, check: Callable[[], None]
) -> Converted:
    """Write every split of a source to ROOT/NAME/VERSION, or go on where that was interrupted.

    Args:
        source: what is read.
        name: name of the new dataset, `NAME` or `NAME/CONFIG`.
        version: its version.
        root: the data directory.
        told: told how far it is.
        check: called before every example; may raise to stop.

    Raises:
        Failed: the name cannot be one, the folder is taken or cannot be written (B0148).
        DataError: an example cannot be read.
    """
    target = Path(root, name, version)
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        reason = f"`{name}:{version}` is no name of a dataset"
        help = "small letters, digits and `_`, and a version such as `1.0.0`: `--name pets:1.0.0`"
        raise Failed(catalog.cannot_convert(source.name, reason, str(target), help))
    if source.folder is not None and source.folder.resolve() == target.resolve():
        reason = "it would be written where it lies"
        help = "give another `--data-dir` or `--name`"
        raise Failed(catalog.cannot_convert(source.name, reason, str(target), help))
    records = {split: source.open(split) for split in source.splits}
    encoder = make_encoder(source, records)
    counts = {split: len(each) for split, each in records.items()}
    job = _job(source, records, encoder)
    if (target / _INFO).is_file():
        if (target / _JOB).is_file() and (target / _JOB).read_text(encoding="utf-8") == job:
            return Converted(target, counts, dict(encoder.described), written=False)
        help = "give another `--name` or version, or remove that folder"
        reason = "what lies there was made from something else, or its source has changed since"
        raise Failed(catalog.cannot_convert(source.name, reason, str(target), help))
    try:
        with _aside(source.name, target, job) as aside:
            lengths = _write(source, records, encoder, name, aside, told, check)
            encoder.finish(aside, name, version, lengths)
            os.replace(aside, target)
    except OSError as error:
        reason = f"it cannot be written: {error.strerror or error}"
        raise Failed(catalog.cannot_convert(source.name, reason, str(target), None)) from error
    return Converted(target, counts, dict(encoder.described), written=True)


@contextmanager
def _aside(name: str, target: Path, job: str) -> Iterator[Path]:
    """The folder in which files are written, while no other process does; empty, or of the same job."""
    above = target.parent / f".{target.name}-unfinished"
    above.mkdir(parents=True, exist_ok=True)
    try:
        lock = Lock(above)
    except Taken as taken:
        reason, help = f"{taken} is converting into it", "wait for it, or end it"
        raise Failed(catalog.cannot_convert(name, reason, str(target), help)) from taken
    try:
        aside = above / target.name
        known = aside / _JOB
        if known.is_file() and known.read_text(encoding="utf-8") != job:
            reason = "an unfinished conversion of something else lies there"
            help = f"remove {above}, or give another `--name`"
            raise Failed(catalog.cannot_convert(name, reason, str(target), help))
        if not known.is_file():
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            draft = aside / f"{_JOB}{_PART}"
            draft.write_text(job, encoding="utf-8")
            os.replace(draft, known)
        yield aside
        (above / LOCK).unlink()
        above.rmdir()
    finally:
        lock.release()


def _job(source: StoredSource, records: Mapping[str, Records], encoder: Encoder) -> str:
    """What is converted, as text: two jobs with the same text write the same bytes."""
    splits = {
        split: {
            "examples": len(each),
            "from": fingerprint_of(each) or [_name(each, 0), _name(each, len(each) - 1)],
        }
        for split, each in records.items()
    }
    described = {"source": source.kind, "splits": splits, "features": dict(encoder.described)}
    return json.dumps(described, indent=2) + "\n"


def _name(records: Records, number: int) -> str:
    return where(records, number) if len(records) else ""


def _write(
    source: StoredSource,
    records: Mapping[str, Records],
    encoder: Encoder,
    name: str,
    aside: Path,
    told: Told,
    check: Callable[[], None],
) -> dict[str, list[int]]:
    """Write what is not there yet; the examples in each file of each split."""
    lengths: dict[str, list[int]] = {}
    written, total = 0, sum(map(len, records.values()))
    told(0, total)
    for split, each in records.items():
        order = range(len(each)) if source.shuffled else shuffled(split, len(each))
        for file, numbers in _files(name, split, each, encoder):
            lengths.setdefault(split, []).append(len(numbers))
            if not (aside / file).is_file():
                draft = aside / f"{file}{_PART}"
                with _opened(draft) as writer:
                    for number in numbers:
                        check()
                        writer.write(encoder(each, order[number]))
                        told(written + number - numbers.start + 1, total)
                _keep(draft, aside / file)
            written += len(numbers)
            told(written, total)
    return lengths


def shuffled(split: str, size: int) -> Sequence[int]:
    """The examples of a split in a shuffled order, the same each time: by the digest of split and number."""
    return sorted(
        range(size),
        key=lambda number: hashlib.md5(f"{split} {number}".encode(), usedforsecurity=False).digest(),
    )


def _files(name: str, split: str, records: Records, encoder: Encoder) -> Iterator[tuple[str, range]]:
    """Names of a split's files and the examples of each, as many as about `FILE_BYTES` need."""
    size = len(records)
    samples = [number * size // _SAMPLES for number in range(_SAMPLES)] if size else []
    mean = sum(len(encoder(records, number)) for number in samples) / _SAMPLES
    count = min(max(1, -(-int(mean * size) // FILE_BYTES)), max(1, size))
    stem = name.partition("/")[0]
    for number in range(count):
        numbers = range(number * size // count, (number + 1) * size // count)
        yield f"{stem}-{split}.{FORMAT}-{number:05d}-of-{count:05d}", numbers


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(path), "group_size:1")
    try:
        yield writer
        writer.close()
    except RuntimeError as error:  # so it tells of a full disk
        raise OSError(str(error).partition(";")[0]) from error


def _keep(draft: Path, file: Path) -> None:
    """Give a file its name once it is on the disk."""
    with open(draft, "rb") as opened:
        os.fsync(opened.fileno())
    os.replace(draft, file)
