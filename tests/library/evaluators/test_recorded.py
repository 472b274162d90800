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
        "captioning_distill",
        "zeroshot",
        "depth_psnr_fid",
        "panoptic_quality",
    ],
)
def test_metrics_are_those_recorded(name):
    found = compare_file(FOLDER / f"{name}.npz")
    ours = [comparison for comparison in found if "(not computed)" not in comparison.name]
    assert ours and all(comparison.ok for comparison in ours), "\n".join(map(str, ours))
