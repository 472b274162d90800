"""Every recorded file of preprocessing agrees with ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.parity.reference import compare_file

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / "tests" / "reference" / "pp").glob("*.npz"))
TABLES = {"lookup_names"}
MANY_DRAWS = {"random_crops", "randaug_mapping"}
"""Thousands of calls: checked in a process of its own, where arguments are not type-checked at every call."""


@pytest.mark.parametrize(
    "file",
    [file for file in FILES if file.stem not in TABLES | MANY_DRAWS],
    ids=lambda file: file.stem,
)
def test_agrees_with_big_vision(file: Path) -> None:
    comparisons = compare_file(file)
    assert comparisons
    failed = [str(comparison) for comparison in comparisons if not comparison.ok]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
def test_random_ops_agree_in_distribution() -> None:
    files = [str(file) for file in FILES if file.stem in MANY_DRAWS]
    done = subprocess.run(
        [sys.executable, "-m", "tests.parity", *files], cwd=ROOT, capture_output=True, text=True
    )
    failed = [line for line in done.stdout.splitlines() if not line.startswith("ok")]
    assert done.returncode == 0 and not failed, "\n".join(failed) or done.stderr
    assert len(done.stdout.splitlines()) > 500
