"""ImageNet as it is downloaded: labels, and the order of TFDS."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.component import DataError
from bvc.library.sources.imagenet_tars import FILES, ImagenetTars
from tests.runtime.data_files import CLASSES, imagenet_tars


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data directory with two classes of three images, and three images of validation."""
    imagenet_tars(tmp_path / "downloads" / "manual")
    return tmp_path


def test_images_have_their_class(root: Path) -> None:
    records = ImagenetTars().open("train", str(root))
    assert len(records) == 6
    for number in range(6):
        example = records[number]
        name, i = example["file_name"].removesuffix(".JPEG").split("_")
        assert example["image"] == f"{name} {i}".encode() and example["label"] == CLASSES.index(name)
    shown = ImagenetTars().open("validation", str(root))
    # the classes of the first three images of validation, from the ground truth of the challenge
    labels = {shown[i]["file_name"]: int(shown[i]["label"]) for i in range(3)}
    assert [labels[f"ILSVRC2012_val_{i:08}.JPEG"] for i in (1, 2, 3)] == [65, 970, 230]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_order_is_that_of_tfds(root: Path, tmp_path: Path, split: str) -> None:
    from tensorflow_datasets.core.shuffle import Shuffler

    records = ImagenetTars().open(split, str(root))
    names = [records[number]["file_name"] for number in range(len(records))]
    shuffler = Shuffler(str(tmp_path), split)
    for name in sorted(names):
        shuffler.add(name, name.encode())
    assert names == [name.decode() for _, name in shuffler]


def test_what_is_missing_or_damaged_is_told(root: Path) -> None:
    source = ImagenetTars()
    assert source.missing("train[:99%]", str(root)) is None
    missing = source.missing("train+test", str(root))
    assert missing is not None and missing.looked[0].endswith("downloads/manual/test")
    file = root / "downloads" / "manual" / FILES["train"]
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(DataError, match="damaged"):
        source.open("train", str(root))
    with pytest.raises(DataError, match="no split `test`"):
        source.open("test", str(root))
