"""Files that a spec names become absolute paths; a part of one keeps its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bvc.bind import bind_parts
from bvc.diagnostics import Failed
from bvc.ir import ModelNode
from bvc.runtime.files import find_files
from bvc.spec import load


def model(folder: Path, init: str) -> ModelNode:
    spec = folder / "spec.toml"
    spec.write_text(f'[model]\ntype = "vit"\ninit = "{init}"\n', encoding="utf-8")
    found = bind_parts(load(str(spec))).model
    assert found is not None
    return found


@pytest.mark.parametrize("part", ["", ":img", ":img/Transformer"])
@pytest.mark.parametrize("suffix", ["npz", "safetensors", "msgpack"])
def test_a_part_of_a_file(suffix: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / f"a.{suffix}").touch()
    monkeypatch.setenv("BVC_FILES", str(files))
    assert find_files(model(tmp_path, f"a.{suffix}{part}")).init == f"{files}/a.{suffix}{part}"


def test_what_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BVC_FILES", str(tmp_path / "files"))
    with pytest.raises(Failed) as caught:
        find_files(model(tmp_path, "a.npz:img/Transformer"))
    (told,) = caught.value.diagnostics
    assert "`a.npz`" in told.message
    assert any(str(tmp_path / "files" / "a.npz") in note for note in told.notes)
