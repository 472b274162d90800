"""Conversion: what is read back, and that an interruption changes no byte."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.component.error import DataError
from bvc.component.source import Records
from bvc.diagnostics import Failed
from bvc.runtime.datasets import convert as module
from bvc.runtime.datasets.convert import Converted, convert, shuffled
from bvc.runtime.feed.stored_source import StoredSource, find_source
from bvc.runtime.interruption import Stopped
from tests.runtime.data_files import image_folder, json_lines, tars

TINY = Path(__file__).parent.parent.parent / "reference" / "tfrecord" / "tiny" / "1.0.0"


def _nothing(*_: object) -> None:
    return None


def converted(
    source: StoredSource, root: Path, name: str = "made", check: Callable[[], None] = _nothing
) -> Converted:
    return convert(source, name, "1.0.0", str(root), _nothing, check)


def _same(one: Records, other: Records, order: Sequence[int]) -> None:
    assert len(one) == len(other) == len(order)
    for number in range(len(one)):
        mine, its = one[order[number]], other[number]
        assert mine.keys() == its.keys()
        for name in mine:
            _equal(mine[name], its[name])


def _equal(mine: Any, its: Any) -> None:
    if isinstance(its, str | bytes | list):
        assert (list(mine) if isinstance(its, list) else mine) == its
    else:
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("kind", ["folder", "tar", "lines", "tfrecord"])
def test_what_was_converted_reads_back(tmp_path: Path, kind: str) -> None:
    made: dict[str, Callable[[], StoredSource]] = {
        "folder": lambda: find_source(str(image_folder(tmp_path))),
        "tar": lambda: find_source(tars(tmp_path)),
        "lines": lambda: find_source(json_lines(tmp_path), {"image": "images"}),
        "tfrecord": lambda: find_source(str(TINY)),
    }
    source = made[kind]()
    done = converted(source, tmp_path / "out")
    back = find_source(str(done.folder.parent))
    assert back.folder == done.folder and back.version == "1.0.0" and set(back.splits) == set(source.splits)
    for split in source.splits:
        size = len(source.open(split))
        _same(source.open(split), back.open(split), range(size) if source.shuffled else shuffled(split, size))
    types = {name: str(feature) for name, feature in back.features(back.open(source.splits[0])).items()}
    assert types == done.features
    again = converted(source, tmp_path / "out")
    assert not again.written and again.examples == done.examples


def test_a_slice_of_a_folder_of_classes_holds_them_all(tmp_path: Path) -> None:
    source = find_source(str(image_folder(tmp_path, 40)))
    back = find_source(str(converted(source, tmp_path / "out").folder))
    slice_ = back.open("train[75%:]")
    assert {int(slice_[number]["label"]) for number in range(len(slice_))} == {0, 1}
    assert sorted(shuffled("train", 80)) == list(range(80)) != shuffled("train", 80) != shuffled("val", 80)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_interruption_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_source(str(image_folder(tmp_path)))
    monkeypatch.setattr(module, "FILE_BYTES", 2000)
    whole = converted(source, tmp_path / "whole")
    assert sum("train" in name for name in _files(whole.folder)) > 2
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked % 5 == 0:
            raise Stopped

    done = None
    while done is None:
        try:
            done = converted(source, tmp_path / "parts", check=stop)
        except Stopped:
            assert not (tmp_path / "parts" / "made" / "1.0.0").exists()
    assert asked > 10
    assert _files(done.folder) == _files(whole.folder)
    assert os.listdir(done.folder.parent) == ["1.0.0"]


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    done = converted(find_source(str(image_folder(tmp_path))), tmp_path)
    for source in (find_source(tars(tmp_path)), find_source(str(done.folder))):
        with pytest.raises(Failed, match="B0148"):
            converted(source, tmp_path)


def test_an_unfinished_conversion_of_something_else_is_not_continued(tmp_path: Path) -> None:
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        converted(find_source(str(image_folder(tmp_path))), tmp_path / "out", check=stop)
    with pytest.raises(Failed, match="unfinished"):
        converted(find_source(tars(tmp_path)), tmp_path / "out")


@pytest.mark.parametrize("name", ["Bad Name", "../escaped", "", "a/b/c"])
def test_a_name_that_could_not_be_read_again_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Failed, match="no name of a dataset"):
        converted(find_source(str(image_folder(tmp_path))), tmp_path, name)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    pattern = json_lines(tmp_path)
    (tmp_path / "lines" / "images" / "train2.jpg").unlink()
    with pytest.raises(DataError, match=r"train2\.jpg"):
        converted(find_source(pattern, {"image": "images"}), tmp_path)


@pytest.mark.slow
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    source = image_folder(tmp_path)
    code = (
        "import resource, sys\nfrom bvc.cli.data_convert import convert\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        f"sys.exit(convert({str(source)!r}, 'made', [], {str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "B0148" in done.stdout and "File too large" in done.stdout, done.stderr


@pytest.mark.slow
def test_a_killed_conversion_continues(tmp_path: Path) -> None:
    source = image_folder(tmp_path, 300)
    code = (
        "import sys\nfrom bvc.runtime.datasets import convert\nfrom bvc.cli.data_convert import convert as command\n"
        f"convert.FILE_BYTES = 20_000\nsys.exit(command({str(source)!r}, 'made', [], sys.argv[1]))"
    )

    def start(root: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, str(tmp_path / root)], stdout=subprocess.DEVNULL)

    assert start("whole").wait() == 0
    whole = _files(tmp_path / "whole" / "made" / "1.0.0")
    folder = tmp_path / "parts" / "made" / "1.0.0"
    aside = folder.parent / ".1.0.0-unfinished" / "1.0.0"
    seen = 0
    for number in (signal.SIGKILL, signal.SIGKILL, signal.SIGINT):
        process = start("parts")
        while process.poll() is None and (not aside.is_dir() or len(os.listdir(aside)) < seen + 3):
            time.sleep(0.005)
        process.send_signal(number)
        assert process.wait() in (-number, 75)
        left = len(os.listdir(aside))
        assert left > seen
        seen = left
    assert start("parts").wait() == 0
    assert _files(folder) == whole
