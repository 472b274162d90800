from __future__ import annotations

import re

import pytest

from bvc.plan.target import target_facts
from bvc.plan.xla.chip import describe_chip


def described(name: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+): (\S+)", describe_chip(target_facts(name))))


def test_an_h100_in_the_words_of_xla() -> None:
    """The figures of `h100_sxm.txtpb` in openxla/xla; its memory is counted a little otherwise."""
    found = described("h100")
    assert (found["core_count"], found["l2_cache_size"], found["clock_rate_ghz"]) == (
        "132",
        "52428800",
        "1.98",
    )
    assert (found["shared_memory_per_core"], found["shared_memory_per_block_optin"]) == ("233472", "232448")
    assert (found["feature_extension"], found["platform_name"]) == ("ACCELERATED_FEATURES", '"CUDA"')
    assert int(found["device_memory_size"]) == pytest.approx(84942979072, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "tflops"), [("a100", 19.5), ("h100", 66.9), ("l4", 30.3), ("rtx4090", 82.6)]
)
def test_cores_and_clock_make_up_the_rate_without_tensor_cores(name: str, tflops: float) -> None:
    """Two operations in each lane and cycle; the rates are those of NVIDIA's data sheets."""
    found = described(name)
    lanes = int(found["core_count"]) * int(found["fpus_per_core"])
    assert 2 * lanes * float(found["clock_rate_ghz"]) / 1000 == pytest.approx(tflops, rel=0.01)
