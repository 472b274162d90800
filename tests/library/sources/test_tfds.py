"""Folders that TFDS prepared; the fixture was written by TFDS with TensorFlow, as TFRecord in two shards."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from bvc.component import DataError, Feature
from bvc.library.imaging.decode import decode_image
from bvc.library.records.prepared import Prepared
from bvc.library.sources.tfds import Tfds

ROOT = str(Path(__file__).parents[2] / "reference" / "tfrecord")


def test_records_that_tensorflow_wrote() -> None:
    records = Tfds(name="tiny").open("train", ROOT)
    assert isinstance(records, Prepared)
    assert len(records) == 6
    assert records.features == {
        "image": Feature("bytes"),
        "captions/text": Feature("str", ("captions_n",)),
        "captions/id": Feature("int64", ("captions_n",)),
        "label": Feature("int64"),
        "score": Feature("float32", (2,)),
    }
    examples = {int(example["captions/id"][0]): example for example in (records[i] for i in range(6))}
    assert sorted(examples) == list(range(6))
    for number, example in examples.items():
        assert np.array_equal(decode_image(example["image"]), np.full((2, 3, 3), number))
        assert example["captions/text"] == [f"image {number}", "ä"][: 1 + number % 2]
        assert example["label"] == number % 3
        assert np.array_equal(example["score"], np.float32([number, 0.5]))


def test_slices_of_them_travel_to_workers() -> None:
    whole = Tfds(name="tiny", version="1.0.0").open("train", ROOT)
    part = pickle.loads(pickle.dumps(Tfds(name="tiny").open("train[50%:]", ROOT)))
    assert [part[i]["image"] for i in range(3)] == [whole[i]["image"] for i in range(3, 6)]


def test_what_is_missing_is_told() -> None:
    assert Tfds(name="tiny").missing("train", ROOT) is None
    for source, asked in (
        (Tfds(name="tiny", version="2.0.0"), "tiny:2.0.0"),
        (Tfds(name="other/config"), "other/config"),
    ):
        missing = source.missing("train", ROOT)
        assert missing is not None and missing.command == f"bvc data prepare {asked}"
        assert missing.looked[0].startswith(ROOT)
        with pytest.raises(DataError, match="is missing"):
            source.open("train", ROOT)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(ROOT, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob("*"):
        path.chmod(0o755)
    return tmp_path


def test_another_format_is_told(copied: Path) -> None:
    info = copied / "tiny/1.0.0/dataset_info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "fileFormat": "riegeli"}))
    missing = Tfds(name="tiny").missing("train", str(copied))
    assert missing is not None and "`riegeli`" in missing.what


def test_the_newest_version_is_taken(copied: Path) -> None:
    shutil.copytree(copied / "tiny/1.0.0", copied / "tiny/1.0.10")
    (copied / "tiny/1.0.9").mkdir()
    records = Tfds(name="tiny").open("train", str(copied))
    assert isinstance(records, Prepared) and records.folder.endswith("1.0.10")


def test_damaged_files_are_told(copied: Path) -> None:
    first, second = sorted((copied / "tiny/1.0.0").glob("*train*"))
    first.write_bytes(first.read_bytes()[:-3])
    with pytest.raises(DataError, match="breaks off"):
        _ = Tfds(name="tiny").open("train", str(copied))[0]
    whole = second.read_bytes()
    first.write_bytes(whole[:20] + b"\xff" * (len(whole) - 20))
    with pytest.raises(DataError):
        for i in range(6):
            _ = Tfds(name="tiny").open("train", str(copied))[i]


def test_a_class_that_the_dataset_does_not_have_is_told(copied: Path) -> None:
    file = copied / "tiny/1.0.0/features.json"
    text = file.read_text()
    assert '"numClasses": "3"' in text
    file.write_text(text.replace('"numClasses": "3"', '"numClasses": "2"'))
    records = Tfds(name="tiny").open("train", str(copied))
    with pytest.raises(DataError, match=r"`label` is class 2, of 2.*record \d of split `train`"):
        for i in range(6):
            _ = records[i]


@pytest.mark.parametrize(
    ("at", "told"), [(1, "length|breaks off"), (9, "length"), (40, "its checksum"), (-1, "its checksum")]
)
def test_a_flipped_bit_is_told(copied: Path, at: int, told: str) -> None:
    first = min((copied / "tiny/1.0.0").glob("*train*"))
    data = bytearray(first.read_bytes())
    data[at] ^= 4
    first.write_bytes(data)
    with pytest.raises(DataError, match=rf"({told}).*{copied}"):
        for i in range(6):
            _ = Tfds(name="tiny").open("train", str(copied))[i]
