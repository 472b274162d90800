from pathlib import Path

import pytest

from tests.parity.reference import compare_file

FOLDER = Path(__file__).parent.parent.parent / "reference" / "evaluators"


@pytest.mark.parametrize("name", ["retrieval", "classification", "mask_padding"])
def test_metrics_are_those_recorded(name):
    found = compare_file(FOLDER / f"{name}.npz")
    assert found and all(comparison.ok for comparison in found), "\n".join(map(str, found))
