from __future__ import annotations

import math
from typing import Any

import pytest

from bvc.plan.target import find_target, target_facts, target_names
from bvc.plan.xla.absent import slice_name, squarest


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("tpu-v5e:2x4", "v5e:2x4", {}),
        ("tpu-v5e:8", "v5e:2x4", {}),
        ("tpu-v5e", "v5e:1x1", {"chips_per_host_bounds": [1, 1, 1]}),
        ("tpu-v5e:2x4:2", "v5e:2x4", {"num_slices": 2}),
        ("tpu-v5p:4", "v5p:2x2x1", {}),
        ("tpu-v5p:2048", "v5p:8x16x16", {}),
        ("tpu-v4:2x2x2", "v4:2x2x2", {"chip_config_name": "megacore"}),
        ("tpu-v3:8", "v3:2x2", {}),
        ("tpu-v3:4x4", "v3:4x4", {}),
    ],
)
def test_slices_have_the_names_that_libtpu_gives_them(text: str, name: str, options: dict[str, Any]) -> None:
    target = find_target(text)
    assert slice_name(target, target_facts(target.name)) == (name, options)


def test_sides_of_a_shape_count_chips_and_a_chip_may_have_two_devices() -> None:
    assert find_target("tpu-v3:4x4").devices == 32
    assert find_target("tpu-v3:8").devices == 8


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 6, 16, 128, 2048])
def test_the_squarest_grid_has_all_chips(count: int, dims: int) -> None:
    grid = squarest(count, dims)
    assert len(grid) == dims
    assert math.prod(grid) == count


def test_every_target_says_what_its_compiler_asks() -> None:
    for name in target_names():
        facts = target_facts(name)
        assert ("topology" if facts["kind"] == "tpu" else "chip") in facts, name
