"""Slices of splits, as TFDS writes them, mean the same of every source."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.component import DataError
from bvc.component.source import Records
from bvc.library.sources.coco import Coco
from bvc.library.sources.image_folder import ImageFolder
from bvc.library.sources.jsonl import Jsonl
from bvc.library.sources.tfds import Tfds
from bvc.library.sources.webdataset import Webdataset
from tests.library.sources.parquet_folder import FIXTURE, write

SIZES = {"train": 6, "test": 2}
Opened = Callable[[str], Records]


def image_folder(root: Path) -> Opened:
    for split, size in SIZES.items():
        (root / "pets" / split / "cat").mkdir(parents=True)
        for i in range(size):
            (root / "pets" / split / "cat" / f"{i}.jpg").write_bytes(f"{split}{i}".encode())
    return lambda split: ImageFolder(path="pets").open(split, str(root))


def jsonl(root: Path) -> Opened:
    for split, size in SIZES.items():
        lines = [json.dumps({"text": f"{split}{i}"}) for i in range(size)]
        (root / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return lambda split: Jsonl(path="{split}.jsonl").open(split, str(root))


def webdataset(root: Path) -> Opened:
    for split, size in SIZES.items():
        with tarfile.open(root / f"{split}.tar", "w") as tar:
            for i in range(size):
                member = tarfile.TarInfo(f"{i}.txt")
                member.size = len(split) + 1
                tar.addfile(member, io.BytesIO(f"{split}{i}".encode()))
    return lambda split: Webdataset(path="{split}.tar", members={"text": "txt"}).open(split, str(root))


def coco(root: Path) -> Opened:
    for split, size in SIZES.items():
        images = [{"id": i, "file_name": f"{i}.jpg", "height": 1, "width": 1} for i in range(size)]
        (root / split).mkdir()
        for i in range(size):
            (root / split / f"{i}.jpg").write_bytes(f"{split}{i}".encode())
        captions = [{"id": i, "image_id": i, "caption": f"{split}{i}"} for i in range(size)]
        (root / f"{split}.json").write_text(json.dumps({"images": images, "annotations": captions}))
    return lambda split: Coco(images="{split}", captions="{split}.json").open(split, str(root))


def tfrecord(root: Path) -> Opened:
    return lambda split: Tfds(name="tiny").open(split, str(FIXTURE))


def parquet(root: Path) -> Opened:
    write(root)
    return lambda split: Tfds(name="tiny").open(split, str(root))


SOURCES = [image_folder, jsonl, webdataset, coco, tfrecord, parquet]


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test_slices_are_those_of_the_whole(make: Callable[[Path], Opened], tmp_path: Path) -> None:
    opened = make(tmp_path)
    train, test = ([*map(opened(split).__getitem__, range(size))] for split, size in SIZES.items())
    for split, wanted in {
        "train[:99%]": train,
        "train[:50%]": train[:3],
        "train[10%:]": train[1:],
        "train[-2:]": train[-2:],
        "train[1:3]": train[1:3],
        "train+test": train + test,
        "test[1:]+train[:1]": test[1:] + train[:1],
    }.items():
        records = opened(split)
        assert len(records) == len(wanted), split
        assert all(same(dict(records[i]), dict(each)) for i, each in enumerate(wanted)), split
    with pytest.raises(DataError, match=r"`train\[9:\]`|holds no example"):
        opened("train[9:]")
