"""The commands of the data, as a user gives them: what they print, and what they say of bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest
from typer.testing import CliRunner, Result

from bvc.cli.app import app
from tests.runtime.data_files import image_folder, json_lines, tars

Bvc = Callable[..., Result]


@pytest.fixture
def bvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bvc:
    """Runs `bvc data ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["data", *arguments], catch_exceptions=False)

    return run


def test_a_source_is_inspected(bvc: Bvc, tmp_path: Path) -> None:
    done = bvc("inspect", str(image_folder(tmp_path)))
    assert done.exit_code == 0, done.output
    for words in (
        "splits: train 12, val 2",
        "image",
        "JPEG of 16x20 pixels",
        "label",
        "0 .. 1",
        "pets-train.png",
    ):
        assert words in done.output
    with PIL.Image.open(tmp_path / "pets-train.png") as sheet:
        assert sheet.width > 8 * 128


def test_json_lines_are_converted_and_inspected(bvc: Bvc, tmp_path: Path) -> None:
    pattern = json_lines(tmp_path)
    done = bvc("convert", pattern, "--files", "image=images", "--name", "scenes:2.0.0")
    assert done.exit_code == 0, done.output
    assert 'source = { type = "tfds", name = "scenes", version = "2.0.0" }' in done.output
    assert '"captions/text" = "str[captions/text_n]"' in done.output
    looked = bvc("inspect", "data/scenes", "--split", "val[:50%]", "--out", "sheets/val.png")
    assert looked.exit_code == 0, looked.output
    assert "`val[:50%]`: 2 examples" in looked.output and (tmp_path / "sheets" / "val.png").is_file()
    again = bvc("convert", pattern, "--files", "image=images", "--name", "scenes:2.0.0")
    assert again.exit_code == 0 and "already in" in again.output


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("inspect", "imagenet"), "B0143", 1),
        (("inspect", "imagenet2012"), "B0501", 1),
        (("inspect", "shapes:9.9.9"), "B0143", 1),
        (("inspect", "here/pets", "--split", "train["), "B0505", 1),
        (("inspect", "here/broken.py"), "B0149", 1),
        (("inspect", "nowhere/at/all"), "B0149", 1),
        (("inspect", "here/broken.tar"), "B0149", 1),
        (("inspect", "here/empty.tar"), "B0149", 1),
        (("inspect", "here/{split}.tar.gz"), "B0149", 1),
        (("inspect", "here"), "B0149", 1),
        (("inspect", "here/lines.jsonl"), "B0505", 1),
        (("inspect", "here/pets", "--split", "test"), "B0505", 1),
        (("inspect", "here/pets", "--split", "train[:0%]"), "B0505", 1),
        (("inspect", "here/pets", "--out", "/proc/nowhere/sheet.png"), "B0514", 1),
        (("inspect", "nowhere.toml"), "B0010", 2),
        (("bench", "nowhere.toml"), "B0010", 2),
        (("convert", "here/1.0.0"), "B0149", 1),
        (("convert", "nowhere"), "B0149", 1),
        (("convert", "here/pets", "--name", "Pets!"), "B0148", 1),
        (("convert", "here/lines.jsonl", "--files", "image"), "FIELD=FOLDER", 2),
        (("prepare", "imagenet"), "B0143", 1),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_bad_input_is_told(
    bvc: Bvc, tmp_path: Path, arguments: tuple[str, ...], code: str, status: int
) -> None:
    here = tmp_path / "here"
    image_folder(here)
    (here / "broken.tar").write_bytes(b"no tar file at all" * 100)
    (here / "broken.py").write_text("")
    (here / "empty.tar").write_bytes(b"\0" * 10240)
    (here / "lines.jsonl").write_text('{"a": 1}\n{"b": 2}\n')
    (here / "1.0.0").mkdir()
    (here / "1.0.0" / "dataset_info.json").write_text("{")
    if code == "B0149" and arguments[1] == "here":
        arguments = (*arguments[:1], str(here / "pets" / "train" / "cat"))
    done = bvc(*arguments)
    assert code in done.output, done.output
    assert done.exit_code == status


def test_members_of_tars_are_found(bvc: Bvc, tmp_path: Path) -> None:
    done = bvc("inspect", tars(tmp_path), "--split", "train")
    assert done.exit_code == 0, done.output
    assert "splits: train 6, val 3" in done.output and "7 letters" in done.output
