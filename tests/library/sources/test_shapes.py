"""The generated scenes, as a dataset on disk."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.component import DataError
from bvc.library.imaging.decode import decode_image
from bvc.library.records.prepared import Prepared
from bvc.library.scenes import scene, store
from bvc.library.sources.shapes import Shapes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A data directory with few scenes."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene, "TRAIN", 60)
        patch.setattr(scene, "TEST", 10)
        patch.setattr(store, "TRAIN", 60)
        patch.setattr(store, "TEST", 10)
        threads = [threading.Thread(target=store.write, args=(str(folder),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return folder


def test_examples_have_the_declared_features(root: Path) -> None:
    records = Shapes().open("train", str(root))
    assert isinstance(records, Prepared)
    assert len(records) == 60
    declared = Shapes().features()
    example = records[0]
    assert set(example) == set(declared) == set(records.features)
    for name, feature in declared.items():
        assert records.features[name].dtype == feature.dtype
        assert len(records.features[name].shape) == len(feature.shape)
    assert decode_image(example["image"]).shape == (64, 64, 3)
    assert len(example["captions/text"]) == 5 and all(
        isinstance(text, str) for text in example["captions/text"]
    )
    assert example["label"] == example["attributes"][0]


def test_the_same_scenes_are_drawn_again(root: Path, tmp_path: Path) -> None:
    number, first, rng = next(scene.scenes("test"))
    from bvc.library.scenes.draw import draw

    encoded = draw(first, rng)
    _, again, rng = next(scene.scenes("test"))
    assert number == 0 and again == first and draw(again, rng) == encoded


def test_records_are_sliced_and_travel_to_workers(root: Path) -> None:
    whole = Shapes().open("train", str(root))
    part = pickle.loads(pickle.dumps(Shapes().open("train[10:50%]", str(root))))
    assert len(part) == 20
    assert np.array_equal(part[3]["image/id"], whole[13]["image/id"])
    assert part.describe(3).startswith("record 13 of split `train` in ")
    both = Shapes().open("train[:2]+test[5:]", str(root))
    assert [int(both[i]["image/id"]) for i in (0, 1)] == [int(whole[i]["image/id"]) for i in (0, 1)]
    assert len(both) == 7


def test_an_unknown_split_is_told(root: Path) -> None:
    with pytest.raises(DataError, match="names a split `val` that does not exist"):
        Shapes().open("val", str(root))


def test_nothing_is_missing_and_nothing_is_left_behind(root: Path) -> None:
    assert Shapes().missing("train", str(root / "elsewhere")) is None
    assert [path.name for path in root.iterdir() if path.name != ".shapes.lock"] == ["shapes"]


def test_a_half_written_dataset_is_written_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (scene, store):
        monkeypatch.setattr(module, "TRAIN", 5)
        monkeypatch.setattr(module, "TEST", 2)
    (tmp_path / ".shapes-unfinished-x").mkdir()
    (store.folder(str(tmp_path))).mkdir(parents=True)
    assert len(Shapes().open("train", str(tmp_path))) == 5
    assert not list(tmp_path.glob(".shapes-unfinished-*"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        Shapes().open("train", str(tmp_path / "file" / "data"))


def test_damaged_files_are_told(root: Path, tmp_path: Path) -> None:
    import shutil

    copied = tmp_path / "shapes"
    shutil.copytree(root / "shapes", copied)
    (record,) = copied.rglob("*train.array_record*")
    record.write_bytes(record.read_bytes()[:-4096])
    with pytest.raises(DataError, match="damaged|cannot be read"):
        Shapes().open("train", str(tmp_path))[0]
    record.unlink()
    with pytest.raises(DataError, match="1 of 1 files are missing"):
        Shapes().open("train", str(tmp_path))[0]
    (info,) = copied.rglob("dataset_info.json")
    info.write_text("{")
    with pytest.raises(DataError, match="description cannot be read"):
        Shapes().open("train", str(tmp_path))
