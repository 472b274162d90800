"""Which source a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.diagnostics import Failed
from bvc.runtime.feed.stored_source import find_source
from tests.runtime.data_files import image_folder, json_lines, tars

TINY = Path(__file__).parent.parent.parent / "reference" / "tfrecord" / "tiny"


def test_a_folder_of_images(tmp_path: Path) -> None:
    found = find_source(str(image_folder(tmp_path)))
    assert (found.name, found.kind, found.splits, found.version) == (
        "pets",
        "image_folder",
        ("train", "val"),
        None,
    )


@pytest.mark.parametrize("path", [TINY, TINY / "1.0.0"])
def test_a_folder_that_tfds_wrote(path: Path) -> None:
    found = find_source(str(path))
    assert (found.name, found.kind, found.version) == ("tiny", "tfds", "1.0.0")
    assert set(found.splits) == {"train", "test"} and len(found.open("train")) == 6
    assert found.folder == TINY / "1.0.0"


def test_tars_by_pattern_and_by_name(tmp_path: Path) -> None:
    pattern = tars(tmp_path)
    found = find_source(pattern)
    assert (found.name, found.kind, found.splits) == ("tars", "webdataset", ("train", "val"))
    example = found.open("train")[0]
    assert example.keys() == {"image", "text", "label"} and example["text"] == "a scene"
    one = find_source(pattern.replace("{split}-*", "train-1"))
    assert one.splits == ("train-1",) and len(one.open("train-1")) == 3


def test_json_lines_with_files(tmp_path: Path) -> None:
    found = find_source(json_lines(tmp_path), {"image": "images"})
    assert (found.kind, found.splits) == ("jsonl", ("train", "val"))
    features = found.features(found.open("val"))
    assert {name: str(feature) for name, feature in features.items()} == {
        "image": "bytes",
        "captions/text": "str[captions/text_n]",
        "captions/id": "i64[captions/id_n]",
        "box": "f32[box_n 4]",
    }


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere", "no such file"),
        ("text.md", "neither a folder"),
        ("empty", "no folders SPLIT/CLASS"),
        ("nowhere/{split}.tar", "the folder must be there"),
        ("{split}/x.tar", "in the name of a file alone"),
        ("{split}.jsonl", "no file fits"),
        ("{split}.md", "neither `.tar` nor `.jsonl`"),
        ("text.tar", "no tar file"),
        ("other", "description cannot be read"),
    ],
)
def test_what_is_no_source_is_told(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "text.md").write_text("words")
    (tmp_path / "text.tar").write_text("words" * 200)
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "dataset_info.json").write_text('{"splits": [1]}')
    with pytest.raises(Failed, match=reason) as failed:
        find_source(str(tmp_path / path))
    assert failed.value.diagnostics[0].code == "B0149"
