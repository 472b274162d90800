"""Data that is not as it should be: read if it can be, else an error that names file and record, or a counted skip."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from bvc.component.error import DataError
from bvc.component.feature import Feature, Features
from bvc.component.source import Records
from bvc.library.sources.image_folder import ImageFolder
from bvc.library.sources.jsonl import Jsonl
from bvc.library.sources.webdataset import Webdataset
from bvc.runtime.feed.declared import Declared
from bvc.runtime.feed.feed import EvalFeed, TrainFeed
from tests.pipelines import compiled

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
IMAGE: Features = {"image": Feature("bytes")}


def encoded(form: str, mode: str = "RGB", **options: Any) -> bytes:
    data = io.BytesIO()
    PIL.Image.fromarray(PIXELS).convert(mode).save(data, form, **options)
    return data.getvalue()


def animated(form: str) -> bytes:
    frames = [PIL.Image.fromarray(np.full_like(PIXELS, shade)) for shade in (0, 90, 250)]
    data = io.BytesIO()
    frames[0].save(data, form, save_all=True, append_images=frames[1:])
    return data.getvalue()


def sixteen_bits() -> bytes:
    data = io.BytesIO()
    PIL.Image.fromarray((np.arange(20 * 30, dtype=np.uint16) * 100).reshape(20, 30)).save(data, "PNG")
    return data.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def folder_with(root: Path, data: bytes, name: str = "1.jpg") -> Records:
    """Three images, one of them of these bytes."""
    cats = root / "pets" / "train" / "cat"
    cats.mkdir(parents=True)
    for other in ("0.jpg", "2.jpg"):
        (cats / other).write_bytes(encoded("JPEG"))
    (cats / name).write_bytes(data)
    source = ImageFolder(path="pets")
    return Declared(source.open("train", str(root)), source.features())


USABLE = {
    "gray JPEG": encoded("JPEG", "L"),
    "CMYK JPEG": encoded("JPEG", "CMYK"),
    "progressive JPEG": encoded("JPEG", progressive=True),
    "PNG called jpg": encoded("PNG"),
    "PNG with alpha": encoded("PNG", "RGBA"),
    "PNG with a palette": encoded("PNG", "P"),
    "16 bits": sixteen_bits(),
    "black and white": encoded("PNG", "1"),
    "animated GIF": animated("GIF"),
    "animated WebP": animated("WEBP"),
    "BMP": encoded("BMP"),
}


@pytest.mark.parametrize("kind", USABLE)
def test_an_unusual_image_is_read(kind: str, tmp_path: Path) -> None:
    records = folder_with(tmp_path, USABLE[kind])
    with EvalFeed(records, compiled(IMAGE, "decode", "resize(8)"), batch=3) as feed:
        (batch,) = feed
    assert batch["image"].shape == (3, 8, 8, 3) and batch["image"].dtype == np.uint8
    if kind.startswith("animated"):
        at = ["1.jpg" in records.describe(i) for i in range(3)].index(True)
        assert batch["image"][at].max() < 10  # the first frame


BAD = {
    "empty": (b"", "an empty file"),
    "truncated JPEG": (encoded("JPEG")[:-200], "breaks off or is damaged"),
    "header of a JPEG": (encoded("JPEG")[:20], "no image|breaks off"),
    "truncated PNG": (encoded("PNG")[:-40], "breaks off or is damaged"),
    "text": (b"<html>not found</html>", "22 bytes that are no image"),
    "zip called jpg": (b"PK\x03\x04" + bytes(100), "104 bytes that are no image"),
    "bomb": (bomb(60_000), "more pixels than are decoded"),
    "huge": (bomb(17_000), "more pixels than are decoded"),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_unusable_image_is_an_error_that_names_its_file(kind: str, tmp_path: Path) -> None:
    data, told = BAD[kind]
    records = folder_with(tmp_path, data)
    with (
        EvalFeed(records, compiled(IMAGE, "decode", "resize(8)"), batch=3) as feed,
        pytest.raises(DataError, match=rf"`decode` met .*({told}).*cat/1.jpg"),
    ):
        list(feed)


@pytest.mark.parametrize("kind", BAD)
def test_or_it_is_replaced_where_the_spec_says_so(kind: str, tmp_path: Path) -> None:
    records = folder_with(tmp_path, BAD[kind][0])
    pipeline = compiled(IMAGE, "decode", "resize(8)")
    with TrainFeed(records, pipeline, batch=6, seed=0, shuffle=True, skip=1, workers=0) as feed:
        batch = next(feed)
        (told,) = feed.skipped()
    assert batch["image"].shape == (6, 8, 8, 3)
    assert told.startswith("skipped an example, 1 of at most 1: `decode` met") and "cat/1.jpg" in told


def lines(root: Path, *values: object) -> Callable[[Features], Records]:
    (root / "train.jsonl").write_text("".join(f"{json.dumps(value)}\n" for value in values))
    return lambda features: Declared(Jsonl(path="{split}.jsonl").open("train", str(root)), features)


CAPTIONED: Features = {"text": Feature("str", ("n",)), "label": Feature("int64")}


@pytest.mark.parametrize(
    ("bad", "calls", "told"),
    [
        ({"label": 1}, ["lower"], "without feature `text`: it holds label"),
        ({"text": None, "label": 1}, ["lower"], "field `text` is neither a text nor a number"),
        ({"text": "one", "label": 1}, ["lower"], r"feature `text` of type str, declared is str\[n\]"),
        (
            {"text": ["a"], "label": 7},
            ["onehot(5, key='label', outside='error')"],
            "class id 7 is outside 0 to 4",
        ),
        (
            {"text": ["a"], "label": -1},
            ["onehot(5, key='label', outside='error')"],
            "class id -1 is outside 0 to 4",
        ),
        (
            {"text": ["a"], "label": "7"},
            ["onehot(5, key='label')"],
            "feature `label` of type str, declared is i64",
        ),
        (
            {"text": ["a"], "label": 1.5},
            ["onehot(5, key='label')"],
            "feature `label` of type f32, declared is i64",
        ),
        ({"text": [], "label": 1}, ["choice(key='text')"], "no value to choose from"),
        ([1], ["lower"], "a line that is no table"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: object, calls: list[str], told: str) -> None:
    good = {"text": ["a cat", "cats"], "label": 2}
    records = lines(tmp_path, good, bad)(CAPTIONED)
    with (
        EvalFeed(records, compiled(CAPTIONED, *calls), batch=2) as feed,
        pytest.raises(DataError, match=rf"{told}.*line 2 of .*train.jsonl"),
    ):
        list(feed)


@pytest.mark.parametrize("name", ["../0.jpg", "/etc/0.jpg", "a/../../0.jpg"])
def test_a_tar_whose_paths_climb_out_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "train.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    with pytest.raises(DataError, match=rf"leads out of its folder: `{name}`.*train.tar"):
        Webdataset(path="{split}.tar", members={"image": "jpg"}).open("train", str(tmp_path))


def test_a_tar_that_was_cut_is_named(tmp_path: Path) -> None:
    file = tmp_path / "train.tar"
    with tarfile.open(file, "w") as tar:
        member = tarfile.TarInfo("0.jpg")
        member.size = 3000
        tar.addfile(member, io.BytesIO(bytes(3000)))
    file.write_bytes(file.read_bytes()[:2000])
    source = Webdataset(path="{split}.tar", members={"image": "jpg"})
    with pytest.raises(DataError, match=r"train.tar"):
        _ = source.open("train", str(tmp_path))[0]
