"""What a wheel holds besides the code, and what its metadata promise."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="the lock files bring it; an editable install may be without")
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import hatchling.build; hatchling.build.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_the_standard_library_of_specs(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    files = [file for file in (ROOT / "stdlib").rglob("*") if file.is_file()]
    assert files
    assert {f"bvc/_stdlib/{file.relative_to(ROOT / 'stdlib').as_posix()}" for file in files} <= names


def test_the_wheel_holds_the_pages_and_every_module(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    files = [*(ROOT / "bvc").rglob("*.py"), *(ROOT / "bvc").rglob("*.md")]
    assert {file.relative_to(ROOT).as_posix() for file in files} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


def test_neither_tensorflow_nor_flax_comes_by_default(wheel: zipfile.ZipFile) -> None:
    text = next(wheel.read(name) for name in wheel.namelist() if name.endswith("METADATA")).decode()
    needed = [
        need
        for need in email.message_from_string(text).get_all("Requires-Dist", [])
        if "extra ==" not in need
    ]
    assert needed
    assert not {re.split(r"[^\w-]", need)[0].lower() for need in needed} & {"tensorflow", "flax", "torch"}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locks_have_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text
    pins = re.findall(r"^([\w.-]+)==\S+.*\\\n(    --hash=sha256:[0-9a-f]{64})", text, re.M)
    assert len(pins) == len(re.findall(r"^\w", text, re.M))
    assert not {pin.lower() for pin, _ in pins} & {"tensorflow", "flax", "torch"}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locks_hold_every_dependency_of_the_package(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[^\w-]", need)[0].replace("_", "-").lower() for need in project["dependencies"]}
    locked = re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(encoding="utf-8"), re.M)
    assert wanted <= set(locked)
