"""big_vision's helpers agree with ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.reference import compare_file

FILE = Path(__file__).parent.parent / "reference" / "optim" / "utils_tables.npz"


@pytest.mark.slow
def test_agrees_with_big_vision() -> None:
    failed = [str(comparison) for comparison in compare_file(FILE) if not comparison.ok]
    assert not failed, "\n".join(failed)
