"""What was recorded of big_vision's log, clock and loop."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bvc.runtime.due import Times
from bvc.runtime.metrics.clock import Clock
from bvc.runtime.metrics.rows import row

with np.load(Path(__file__).parent.parent / "reference" / "evaluators" / "logging_checkpoint.npz") as _arrays:
    RECORDED: dict[str, Any] = json.loads(str(_arrays["meta"]))

Steps = dict[str, list[int]]
TIMED = ("uptime", "img/sec/core", "core_hours_cpu", "core_hours")


class FakeClock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def happens(loop: Mapping[str, Any]) -> tuple[Steps, Steps]:
    """At which steps things are due, by bvc's rules and as recorded.

    A restarted big_vision logs its first two steps to warm up its clock; bvc's rows depend on the step alone.
    Without an interval big_vision saves nothing; bvc saves what was trained.
    """
    times = Times(
        loop["total_steps"], loop["log_training_steps"], loop["ckpt_steps"], loop["keep_ckpt_steps"]
    )
    first = loop["first_step"]
    steps = range(first + 1, times.total + 1)
    warm = () if first == 0 else (first + 1, first + 2)
    every = loop["eval_log_steps"]
    ours = {
        "logs": [step for step in steps if times.logs(step)],
        "saves": [step for step in steps if times.saves(step)],
        "keeps": [step for step in steps if times.saves(step) and (times.keeps(step) or step == times.total)],
        "evaluates": [step for step in steps if times.evaluates(step, every, skip_first=False)],
    }
    saved = loop["checkpoints"] if loop["ckpt_steps"] else [(times.total, True)]
    theirs = {
        "logs": [step for step in loop["metric_steps"] if step not in warm],
        "saves": [step for step, _ in saved],
        "keeps": [step for step, kept in saved if kept],
        "evaluates": loop["evals"],
    }
    return ours, theirs


def timed(chrono: Mapping[str, Any], clock: Clock, fake: FakeClock) -> Iterator[tuple[Any, Any]]:
    """What the clock says at each recorded event, and what was recorded; in the end its totals.

    big_vision's clock is warm after its second tick, and its number of examples includes those two steps; ours is
    warm when it is started.
    """
    last = None
    for event in chrono["events"]:
        if event["paused"]:
            with clock.pause():
                fake.now += event["paused"]
        fake.now += event["seconds_since_previous"]
        assert fake.now == event["now"]
        if event["step"] == last:
            continue
        last = event["step"]
        yield clock.tick(last), {name: value for name, value in event["measured"] if name in TIMED}
        if last == 2:
            clock.start(2)
    totals = {
        name.removeprefix("accum_").removesuffix("_time"): value for name, value in chrono["save"].items()
    }
    totals["examples"] = totals.pop("examples_seen") - 2 * 32
    yield clock.saved(), totals


def rows() -> list[str]:
    """The lines that the recorded metrics make."""
    first = {
        "training_loss": 1.5,
        "val/prec@1": np.float64(0.25),
        "vec": np.zeros((2, 3)),
        "global_schedule": 1,
    }
    second = {**first, "training_loss": np.float32(0.3), "val/prec@1": 1.25}
    return [row(1, first), row(5, second), row(6, {"late": float("nan")})]
