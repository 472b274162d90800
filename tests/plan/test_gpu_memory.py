"""A run takes the share of a GPU that a plan for an absent one counts on."""

from __future__ import annotations

import pytest

from bvc.plan.gpu_memory import SHARE, claim
from bvc.plan.target import find_target, target_facts


def test_a_plan_counts_on_what_a_run_takes() -> None:
    whole = target_facts("h100")["memory_gib"] * 2**30
    assert find_target("h100:8").memory == pytest.approx(SHARE * whole)
    environment: dict[str, str] = {}
    claim(environment)
    assert environment == {"XLA_CLIENT_MEM_FRACTION": str(SHARE)}


def test_tpus_are_used_whole() -> None:
    assert find_target("tpu-v5e:2x4").memory == target_facts("tpu-v5e")["memory_gib"] * 2**30


@pytest.mark.parametrize("name", ["XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_PREALLOCATE"])
def test_what_the_user_decided_stays(name: str) -> None:
    environment = {name: "0.5"}
    claim(environment)
    assert environment == {name: "0.5"}
