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
from bvc.library.scenes.draw import draw
from bvc.library.sources.shapes import Shapes
from tests.pipelines import run


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
    assert example["label"] == example["attributes"][1]


def test_the_same_scenes_are_drawn_again(root: Path, tmp_path: Path) -> None:
    number, first, rng = next(scene.scenes("test"))
    drawn = draw(first, rng)
    _, again, rng = next(scene.scenes("test"))
    assert number == 0 and again == first
    redrawn = draw(again, rng)
    assert redrawn.image == drawn.image and np.array_equal(redrawn.depth, drawn.depth)


def test_boxes_panoptic_maps_and_depth_tell_the_same(root: Path) -> None:
    example = dict(Shapes().open("test", str(root))[0])
    made = run(example, "coco_panoptic")
    instances, semantics = made["instances"][..., 0], made["semantics"][..., 0]
    assert set(np.unique(instances)) == {1, 2, 3}
    labels = example["panoptic_objects/label"]
    assert np.array_equal(semantics, labels[instances - 1] + 1)
    for owner, (box, label) in enumerate(
        zip(example["objects/bbox"], example["objects/label"], strict=True), 1
    ):
        rows, columns = np.nonzero(instances == owner)
        expected = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]) / 64
        assert np.allclose(box, expected)
        assert label == labels[owner - 1]
        near = example["depth"][instances == owner]
        assert near.min() == near.max() < example["depth"][instances == 3].min()


def test_records_are_sliced_and_travel_to_workers(root: Path) -> None:
    whole = Shapes().open("train", str(root))
    part = pickle.loads(pickle.dumps(Shapes().open("train[10:50%]", str(root))))
    assert len(part) == 20
    assert np.array_equal(part[3]["image/id"], whole[13]["image/id"])
    assert part.describe(3).startswith("record 13 of split `train` in ")
    both = Shapes().open("train[:2]+test[5:]", str(root))
    assert [int(both[i]["image/id"]) for i in (0, 1)] == [int(whole[i]["image/id"]) for i in (0, 1)]
    assert len(both) == 7


def test_only_what_is_wanted_is_read(root: Path) -> None:
    records = Shapes().open("train", str(root))
    assert isinstance(records, Prepared)
    for names in ({"image"}, {"captions/text", "image/id"}, set()):
        part = pickle.loads(pickle.dumps(records.only(frozenset(names))))
        assert set(part.features) == set(part[5]) == names
        assert all(np.array_equal(part[5][name], records[5][name]) for name in names)


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
