"""Preparing data sets: what is written, what is said where that cannot be, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow_datasets as tfds

from bvc.diagnostics import Failed
from bvc.runtime.datasets import prepare as module
from bvc.runtime.datasets.prepare import prepare
from bvc.runtime.feed.stored_source import find_source
from tests.runtime.data_files import imagenet_tars


def test_imagenet_is_written_from_its_tars(tmp_path: Path) -> None:
    imagenet_tars(tmp_path / "downloads" / "manual")
    told: list[tuple[int, int]] = []
    assert "prepared" in prepare("imagenet2012", str(tmp_path), lambda done, of: told.append((done, of)))
    assert told[0] == (0, 9) and told[-1] == (9, 9)
    written = find_source(str(tmp_path / "imagenet2012"))
    assert written.version == "5.1.0"
    sizes = {split: len(written.open(split)) for split in written.splits}
    assert sizes == {"train": 6, "validation": 3}
    assert "already" in prepare("imagenet2012", str(tmp_path))


def test_a_builder_that_needs_tensorflow_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed) as failed:
        prepare("coco_captions", str(tmp_path))
    (told,) = failed.value.diagnostics
    assert told.code == "B0144" and "needs TensorFlow" in told.message and "bvc[tf]" in str(told.help)


def test_a_dataset_that_cannot_be_reached_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = SimpleNamespace(
        name="dtd", url_infos={"https://data.example/dtd.tar.gz": None}, MANUAL_DOWNLOAD_INSTRUCTIONS=None
    )
    monkeypatch.setattr(tfds, "builder", lambda *_, **__: builder)
    monkeypatch.setattr(module, "unreachable", lambda urls: next(iter(urls)))
    with pytest.raises(Failed, match="from which it is downloaded, cannot be found"):
        prepare("dtd", str(tmp_path))


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_half_done(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bvc", "data", "prepare", "shapes", "--data-dir", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob(".shapes-unfinished-*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 75 and "the same command continues" in printed
    assert "Traceback" not in printed
    assert not [name for name in os.listdir(tmp_path) if "unfinished" in name or name == "shapes"]
