"""Every recorded file of preprocessing agrees with ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.reference import compare_file

FILES = sorted((Path(__file__).parent.parent / "reference" / "pp").glob("*.npz"))
TABLES = {"lookup_names"}


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem not in TABLES], ids=lambda file: file.stem
)
def test_agrees_with_big_vision(file: Path) -> None:
    comparisons = compare_file(file)
    assert comparisons
    failed = [str(comparison) for comparison in comparisons if not comparison.ok]
    assert not failed, "\n".join(failed)
