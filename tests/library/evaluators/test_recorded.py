from pathlib import Path

import pytest

from tests.parity.reference import compare_file

FOLDER = Path(__file__).parent.parent.parent / "reference" / "evaluators"


@pytest.mark.parametrize(
    "name",
    [
        "retrieval",
        "classification",
        "mask_padding",
        "fewshot_lsr",
        pytest.param("captioning_distill", marks=pytest.mark.slow),
        "zeroshot",
        pytest.param("depth_psnr_fid", marks=pytest.mark.slow),
        "panoptic_quality",
    ],
)
def test_metrics_are_those_recorded(name):
    found = compare_file(FOLDER / f"{name}.npz")
    failed = [str(comparison) for comparison in found if not comparison.ok]
    assert found and not failed, "\n".join(failed)
