"""What a measurement counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsIndex

import jax
import numpy as np
import pytest

from bvc.check import check
from bvc.compile.program import compile_experiment
from bvc.compile.smoke import smoke
from bvc.component.feature import Feature
from bvc.runtime.datasets.bench import Benched, Stage, bench, time_stages
from tests.pipelines import compiled

SPEC = str(Path(__file__).parent.parent.parent / "specs" / "tiny_siglip.toml")


class Noise:
    """Images and labels."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        return {"image": np.full((8, 8, 3), number, np.uint8), "label": np.asarray(number)}


RAW = {"image": Feature("uint8", (8, 8, 3)), "label": Feature("int64")}


def test_every_stage_is_timed_and_told() -> None:
    told: list[tuple[int, int]] = []
    pipeline = compiled(RAW, "resize(4)", "flip_lr", "keep('image')")
    stages, made, rows = time_stages(
        [(Noise(), pipeline, 1.0)], 0, 4, 0.05, lambda done, of: told.append((done, of))
    )
    assert [stage.name for stage in stages] == ["read", "resize", "flip_lr", "keep", "batch"]
    assert all(stage.seconds > 0 for stage in stages) and made == len(told) > 4
    assert len(rows) == 4 and rows[0].keys() == {"image"}


@pytest.mark.parametrize(
    ("transfer", "rate", "bound"),
    [(1e-5, 500.0, "decode"), (4e-3, 250.1, "transfer"), (4e-3, 249.9, "decode")],
)
def test_the_slowest_bounds(transfer: float, rate: float, bound: str) -> None:
    found = Benched(9, (Stage("read", 1e-3), Stage("decode", 3e-3)), transfer, 0, rate, 0.0, 8)
    assert found.bound == bound and found.core == pytest.approx(250)


@pytest.mark.slow
def test_the_data_of_a_spec_is_measured(tmp_path: Path) -> None:
    experiment = check(SPEC).experiment
    assert experiment is not None
    program = compile_experiment(smoke(experiment, jax.device_count()))  # on generated data
    found = bench(program, str(tmp_path), 2.0, lambda done, of: None)
    assert {"read", "decode", "resize", "bert_tokenize", "batch"} <= {stage.name for stage in found.stages}
    assert found.rate > 0 and found.transfer > 0 and found.batch % jax.device_count() == 0
