"""What the documents show is what happens: commands of the README check, code of docs/python.md runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bvc.check import check_file
from tests.runtime.forks import QUICKLY

ROOT = Path(__file__).parent.parent


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_specs_that_the_readme_names_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    named = re.findall(r"specs/\w+\.toml(?::[\w,=]+)?", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert named
    for target in dict.fromkeys(named):
        diagnostics, _ = check_file(target)
        assert not diagnostics, target


@pytest.mark.slow
def test_python_of_the_documents_runs(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    code = "\n".join(blocks("docs/python.md", "python"))
    environment = {
        "PYTHONPATH": str(ROOT),
        "TFDS_DATA_DIR": str(data_dir),
        "HOME": str(tmp_path),
        "XLA_FLAGS": " ".join(QUICKLY),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:bvc", "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert "trained for 4 steps" in done.stdout
    assert "(2, 96) (2, 96) (2,)" in done.stdout
