"""Sources of data of one's own: folders of images, lines of JSON, tar files."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from bvc.component import DataError, Feature, SettingError
from bvc.library.sources.image_folder import ImageFolder
from bvc.library.sources.jsonl import Jsonl
from bvc.library.sources.webdataset import Webdataset


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for split, classes in {"train": ("cat", "dog"), "val": ("cat", "dog"), "empty": ()}.items():
        (tmp_path / "pets" / split).mkdir(parents=True)
        for name in classes:
            folder = tmp_path / "pets" / split / name
            folder.mkdir()
            for i in range(3):
                (folder / f"{i}.JPG").write_bytes(f"{split} {name} {i}".encode())
            (folder / "notes.txt").write_text("no image")
    return tmp_path


def test_part_of_a_folder_holds_all_classes_in_proportion(tmp_path: Path) -> None:
    for name, count in {"cat": 40, "dog": 80}.items():
        (tmp_path / "pets" / "train" / name).mkdir(parents=True)
        for i in range(count):
            (tmp_path / "pets" / "train" / name / f"{i}.jpg").touch()
    records = ImageFolder(path="pets").open("train[:50%]", str(tmp_path))
    dogs = sum("/dog/" in records.describe(i) for i in range(len(records)))
    assert len(records) == 60 and 30 <= dogs <= 50


def test_a_folder_of_images(images: Path) -> None:
    source = ImageFolder(path="pets")
    records = pickle.loads(pickle.dumps(source.open("train+val[:1]", str(images))))
    assert len(records) == 7
    example = next(each for each in map(records.__getitem__, range(6)) if each["file_name"] == "dog/1.JPG")
    assert example["image"] == b"train dog 1" and example["label"] == 1
    assert Path(records.describe(6)).is_relative_to(images / "pets/val")
    assert set(source.features()) == set(example)
    assert source.missing("train", str(images)) is None
    missing = source.missing("test", str(images))
    assert missing is not None and missing.looked == (str(images / "pets/test"),)
    for split in ("test", "empty"):
        with pytest.raises(DataError):
            source.open(split, str(images))
    (images / "pets/train/dog/1.JPG").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        _ = records[4]


def lines(tmp_path: Path, *values: object) -> Jsonl:
    (tmp_path / "train.jsonl").write_text("".join(f"{json.dumps(value)}\n" for value in values))
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "images" / "a.jpg").write_bytes(b"jpeg")
    return Jsonl(path="{split}.jsonl", files={"image": "images"})


def test_lines_of_json(tmp_path: Path) -> None:
    first = {
        "image": "a.jpg",
        "text": "ä",
        "n": 3,
        "x": 0.5,
        "box": [[1, 2]],
        "captions": {"text": ["a", "b"]},
    }
    source = lines(tmp_path, first, {**first, "n": 4})
    records = pickle.loads(pickle.dumps(source.open("train", str(tmp_path))))
    assert len(records) == 2 and records[1]["n"] == 4
    example = records[0]
    assert example["image"] == b"jpeg" and example["text"] == "ä" and example["captions/text"] == ["a", "b"]
    assert example["x"].dtype == np.float32 and example["box"].shape == (1, 2)
    assert source.missing("train", str(tmp_path)) is None
    assert source.missing("test", str(tmp_path)) is not None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"image": "../train.jsonl"}, "leads out of its folder"),
        ({"image": "/etc/passwd"}, "leads out of its folder"),
        ({"image": "b.jpg"}, "cannot be read"),
        ({"x": [1, "a"]}, "neither a text nor a number"),
        ({"x": [[1], [2, 3]]}, "different lengths"),
        ([1], "no table"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path: Path, value: object, told: str) -> None:
    records = lines(tmp_path, {"image": "a.jpg"}, value).open("train", str(tmp_path))
    with pytest.raises(DataError, match=told):
        _ = records[1]


def test_a_line_that_is_no_json(tmp_path: Path) -> None:
    source = lines(tmp_path, {})
    (tmp_path / "train.jsonl").write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(DataError, match=r"no JSON.*line 2 of"):
        _ = source.open("train", str(tmp_path))[1]
    (tmp_path / "train.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')
    with pytest.raises(DataError, match=r"an empty line.*line 2 of"):
        source.open("train", str(tmp_path))
    with pytest.raises(SettingError):
        Jsonl(path="train.jsonl")


def tar(file: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as opened:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))


MEMBERS = {"image": "jpg", "text": "txt", "label": "cls"}


def test_tar_files(tmp_path: Path) -> None:
    for shard in range(2):
        tar(
            tmp_path / f"train-{shard}.tar",
            {
                f"x/{shard}{i}.{ending}": data
                for i in range(3)
                for ending, data in (
                    ("jpg", b"jpeg%d" % i),
                    ("txt", b"text"),
                    ("cls", b"%d" % i),
                    ("json", b"{}"),
                )
            },
        )
    source = Webdataset(path="{split}-*.tar", members=MEMBERS)
    records = pickle.loads(pickle.dumps(source.open("train", str(tmp_path))))
    assert len(records) == 6
    assert records[4] == {"image": b"jpeg1", "text": "text", "label": np.array(1)}
    assert records.describe(4) == f"`x/11` in {tmp_path / 'train-1.tar'}"
    assert source.features()["label"] == Feature("int64")
    assert source.missing("test", str(tmp_path)) is not None


def test_tar_files_that_cannot_be_used(tmp_path: Path) -> None:
    source = Webdataset(path="{split}.tar", members=MEMBERS)
    tar(tmp_path / "lacking.tar", {"a.jpg": b"", "a.txt": b""})
    with pytest.raises(DataError, match=r"`a` without a member `.cls`"):
        source.open("lacking", str(tmp_path))
    tar(tmp_path / "odd.tar", {"a.jpg": b"", "a.txt": b"\xff", "a.cls": b"1"})
    with pytest.raises(DataError, match=r"`.txt` that cannot be read.*`a` in"):
        _ = source.open("odd", str(tmp_path))[0]
    (tmp_path / "damaged.tar").write_bytes(b"no tar" * 300)
    with pytest.raises(DataError, match="damaged"):
        source.open("damaged", str(tmp_path))
