"""Faults of big_vision (INVENTORY, Part 9) that evaluations and losses do not inherit: each test names one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bvc.bind import bind_parts
from bvc.compile.pipeline.run import Pipeline
from bvc.component.feature import Feature
from bvc.component.registry import find, names
from bvc.library.evaluators.mean import Mean
from bvc.runtime.due import Times
from bvc.runtime.feed.feed import EvalFeed
from bvc.spec import load
from tests.parity.evaluators import rows_of, run
from tests.runtime import toy

SPEC = Path(__file__).parents[2] / "specs" / "tiny_siglip.toml"


def told(tmp_path: Path, text: str) -> list[str]:
    """Codes and messages of what is wrong with the tiny spec and these lines."""
    file = tmp_path / "spec.toml"
    file.write_text(f'use = "{SPEC}"\n{text}\n')
    return [f"{each.code} {each.message}" for each in bind_parts(load(str(file))).diagnostics]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        # a TypeError in mlp_mixer_i1k since 2024-05
        ("[evals.retrieval]\ncache_final = true", "cache_final"),
        # outside of `evals` it never ran
        ("[fewshot]\ntype = 'fewshot_lsr'", "fewshot"),
        # `:singlehost` of UViM and GIVT kept their full length
        ("[run]\nnum_epochs = 100", "num_epochs"),
        ("[data.train]\nnum_epochs = 100", "num_epochs"),
        # the trainer ignored them
        ("[objective]\nuse_global_batch = true", "use_global_batch"),
        ("[optimizer]\noptim_name = 'adam'", "optim_name"),
        ("[data.train]\ncache = 'raw_data'", "cache"),
        # GIVT's VAEs: `warmup_steps = 0.1`, where a part of the run was meant, was full speed from the first step on
        ("[optimizer.schedule]\nwarmup = 0.1", "warmup"),
    ],
)
def test_a_key_that_nothing_reads_is_an_error(tmp_path: Path, text: str, key: str) -> None:
    assert any(key in each for each in told(tmp_path, text))


def test_step_0_is_written_and_every_step_once(tmp_path: Path) -> None:
    """There the row of step 0 is cleared by step 1, and the last row is written twice."""
    toy.run(str(tmp_path), total=6, log=3, save=6, every=3)
    rows = [json.loads(line) for line in (tmp_path / "big_vision_metrics.txt").read_text().splitlines()]
    steps = [row["step"] for row in rows]
    assert steps[0] == 0 and "val/norm" in rows[0] and "num_params" in rows[0]
    assert steps == sorted(set(steps)) and steps[-1] == 6


def test_the_last_step_is_evaluated_once() -> None:
    """UViM's second stage skips the last step in its loop, and evaluates again after it."""
    times = Times(total=10, log=1, save=None, keep=None)
    due = [step for step in range(11) if times.evaluates(step, 4, skip_first=False)]
    assert due == [0, 4, 8, 10]


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_host_holds_its_part_of_an_evaluations_batch(processes: int) -> None:
    """There retrieval and zero-shot take batches of the global size on each host."""
    rows = rows_of(x=np.arange(19, dtype=np.int32))
    seen: list[int] = []
    share = 8 // processes
    for first in range(0, 8, share):
        feed = EvalFeed(
            rows, Pipeline((), {"x": Feature("int32")}), batch=8, rows=range(first, first + share)
        )
        for batch in feed:
            assert len(batch["x"]) == share
            seen += batch["x"][batch["_mask"]].tolist()
        feed.close()
    assert sorted(seen) == list(range(19))


def test_padding_does_not_leak_into_means() -> None:
    """UViM's mean multiplies by the mask: 0 * inf is NaN."""
    ports: Any = {"examples": lambda batch: {"value": 1 / batch["x"]}}
    rows = {"examples": rows_of(x=np.full(3, 4, np.float32))}
    assert run(Mean(data=None, pipeline=None, view="any"), rows, ports) == {"mean": 0.25}


@pytest.mark.parametrize("kind", ["evaluator", "objective"])
def test_every_name_that_is_offered_can_be_loaded(kind: Any) -> None:
    """There `classification_with_labelmap`, `timing` and `proj.distill.cka` are named and absent, and others break."""
    assert names(kind) and all(find(kind, name) is not None for name in names(kind))
