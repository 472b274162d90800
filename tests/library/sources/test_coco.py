"""COCO as it is downloaded; a few kilobytes of it are written here."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.component import DataError, SettingError
from bvc.component.source import Records
from bvc.library.sources.coco import Coco
from bvc.runtime.feed.declared import Declared

IMAGES = [
    {"id": 7, "file_name": "b.jpg", "height": 20, "width": 40},
    {"id": 3, "file_name": "a.jpg", "height": 10, "width": 10},
]
CATEGORIES = [{"id": 1, "name": "person", "isthing": 1}, {"id": 90, "name": "sky", "isthing": 0}]
FILES: dict[str, dict[str, Any]] = {
    "captions": {
        "images": IMAGES,
        "annotations": [
            {"id": 12, "image_id": 7, "caption": "second of b"},
            {"id": 11, "image_id": 7, "caption": "first of b"},
            {"id": 13, "image_id": 3, "caption": "of a"},
        ],
    },
    "instances": {
        "images": IMAGES,
        "categories": CATEGORIES,
        "annotations": [
            {"id": 5, "image_id": 7, "category_id": 90, "bbox": [10, 5, 20, 10], "area": 99.5, "iscrowd": 1}
        ],
    },
    "panoptic": {
        "images": IMAGES,
        "categories": CATEGORIES,
        "annotations": [
            {
                "image_id": image,
                "file_name": f"{name}.png",
                "segments_info": [
                    {"id": 300 + image, "category_id": 1, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0}
                ],
            }
            for image, name in ((3, "a"), (7, "b"))
        ],
    },
}
SOURCE = {
    "images": "coco/{split}2017",
    **{name: f"coco/annotations/{name}_{{split}}2017.json" for name in FILES},
    "panoptic_images": "coco/annotations/panoptic_{split}2017",
}


def write(root: Path, files: dict[str, Any] = FILES, split: str = "val") -> None:
    annotations = root / "coco/annotations"
    for folder, names in {
        root / f"coco/{split}2017": ("a.jpg", "b.jpg"),
        annotations / f"panoptic_{split}2017": ("a.png", "b.png"),
    }.items():
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_bytes(name.encode())
    for name, table in files.items():
        (annotations / f"{name}_{split}2017.json").write_text(json.dumps(table))


def opened(root: Path, split: str = "val") -> Records:
    source = Coco(**SOURCE)
    assert source.missing(split, str(root)) is None
    return pickle.loads(pickle.dumps(source.open(split, str(root))))


def test_images_with_all_that_is_known_of_them(tmp_path: Path) -> None:
    write(tmp_path)
    records = Declared(opened(tmp_path), Coco(**SOURCE).features())
    assert len(records) == 2
    first, second = records[0], records[1]
    assert (first["image/id"], first["image"], first["captions/text"]) == (3, b"a.jpg", ["of a"])
    assert second["captions/text"] == ["first of b", "second of b"] and second["captions/id"].tolist() == [
        11,
        12,
    ]
    assert first["objects/bbox"].shape == (0, 4)
    assert np.allclose(second["objects/bbox"], [[0.25, 0.25, 0.75, 0.75]])
    assert second["objects/label"].tolist() == [1] and second["objects/is_crowd"].tolist() == [True]
    assert second["objects/area"].tolist() == [99.5]
    assert second["panoptic_image"] == b"b.png" and second["panoptic_objects/id"].tolist() == [307]
    assert second["panoptic_objects/label"].tolist() == [0]
    assert records.describe(1).endswith("val2017/b.jpg")


def test_only_what_is_read_must_be_there(tmp_path: Path) -> None:
    write(tmp_path)
    records: Any = opened(tmp_path, "val[1:]")
    (tmp_path / "coco/val2017/b.jpg").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        _ = records[0]
    assert set(records.parts[0][0].only(frozenset(["captions/text", "image/id"]))[1]) == {
        "captions/text",
        "image/id",
    }


def test_several_splits(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, split="train")
    records = opened(tmp_path, "train+val[50%:]")
    assert [int(records[i]["image/id"]) for i in range(3)] == [3, 7, 7]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    missing = Coco(**SOURCE).missing("val", str(tmp_path))
    assert missing is not None and len(missing.looked) == 5
    with pytest.raises(SettingError, match="at least one file|all other annotations"):
        Coco(images="coco")
    with pytest.raises(SettingError, match="belong together"):
        Coco(images="coco", panoptic="p.json")


def changed(name: str, change: Callable[[Any], object]) -> dict[str, Any]:
    files = json.loads(json.dumps(FILES))
    change(files[name])
    return files


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (changed("captions", lambda t: t.pop("images")), "`images` is missing.*captions_val2017.json"),
        (changed("captions", lambda t: t["images"].clear()), "without images.*captions_val2017.json"),
        (changed("captions", lambda t: t["annotations"].pop()), r"without captions in .*val2017/a.jpg"),
        (
            changed("instances", lambda t: t["categories"].pop()),
            "unknown category 90.*instances_val2017.json",
        ),
        (changed("instances", lambda t: t["images"].pop(0)), "unknown image 7.*instances_val2017.json"),
        (changed("panoptic", lambda t: t["annotations"].pop(0)), "without panoptic segments.*a.jpg"),
        (
            changed("captions", lambda t: t["images"][1].update(file_name="../a.jpg")),
            "leads out of its folder",
        ),
    ],
)
def test_annotations_that_do_not_fit_are_told(tmp_path: Path, files: dict[str, Any], told: str) -> None:
    write(tmp_path, files)
    with pytest.raises(DataError, match=told):
        _ = opened(tmp_path)[0]


def test_annotations_that_break_off_are_told(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "coco/annotations/captions_val2017.json"
    file.write_text(file.read_text()[:-9])
    with pytest.raises(DataError, match=r"annotations that cannot be read.*captions_val2017.json"):
        opened(tmp_path)
