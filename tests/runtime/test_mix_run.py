"""A run on two sources, one filtered, with an image that cannot be decoded."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import bvc
from bvc.diagnostics import Failed, pages

SPEC = f"""
use = "{pages.FOLDER / pages.BASE}"
unset = ["data.train.name", "data.train.split"]

[data.train]
batch = 8
pipeline = ["decode", "resize(16)", "value_range(-1, 1)", "onehot(10, key='label', to='labels')"]

[data.train.mix.folder]
source = {{ type = "image_folder", path = "pets" }}
split = "train"
weight = 1

[data.train.mix.lines]
source = {{ type = "jsonl", path = "{{split}}.jsonl", files = {{ image = "pets/train" }} }}
features = {{ image = "bytes", label = "i64" }}
split = "train[:90%]"
weight = 2
filter = ["one_of([1])"]

[run]
length = "12 steps"
log = "6 steps"
save = "12 steps"
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (tmp_path / "pets/train" / kind).mkdir(parents=True)
        for i in range(6):
            data = io.BytesIO()
            PIL.Image.fromarray(rng.integers(256, size=(20, 24, 3), dtype=np.uint8)).save(data, "JPEG")
            (tmp_path / f"pets/train/{kind}/{i}.jpg").write_bytes(data.getvalue())
    (tmp_path / "pets/train/dog/3.jpg").write_bytes(b"")
    lines = [{"image": f"cat/{i % 3}.jpg", "label": i % 2} for i in range(20)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "spec.toml").write_text(SPEC)
    return tmp_path


@pytest.mark.slow
def test_a_mix_trains_and_tells_what_it_skipped(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = bvc.load(str(root / "spec.toml"))
    with pytest.raises(Failed) as failed:
        spec.run(str(root / "without"), data_dir=str(root))
    (told,) = failed.value.diagnostics
    assert told.code == "B0505" and "`decode` met an empty file" in told.message
    assert told.notes == (f"in {root / 'pets/train/dog/3.jpg'}",)
    assert len(list((root / "cache/bvc/filters").glob("*.verdicts"))) == 1

    capsys.readouterr()
    trained = bvc.load(str(root / "spec.toml"), {"data.train.skip_bad": "1"}).run(
        str(root / "with"), data_dir=str(root)
    )
    assert trained.step == 12 and trained.program.examples == 12 + 9
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("skipped")]
    assert line.startswith("skipped an example, 1 of at most 1: `decode` met an empty file")
    clock = [json.loads(line) for line in (root / "with/big_vision_clock.txt").read_text().splitlines()]
    assert clock[-1]["skipped_examples"] == 1.0
