"""A trace of some steps, and what a step takes beside what was planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from bvc.runtime.folder import Folder
from bvc.runtime.metrics import surprise
from bvc.runtime.metrics.surprise import Surprise
from bvc.runtime.trace import Trace


def test_the_steps_between_are_recorded(tmp_path: Path) -> None:
    trace = Trace(Folder(tmp_path), 3, 4)
    step = jax.jit(lambda x: x + 1)
    state = jnp.zeros(2)
    written = []
    for number in range(1, 7):
        trace.before(number)
        state = step(state)
        written.append(trace.after(number, state))
    trace.close()
    assert written == [False, False, False, True, False, False]
    assert [path.name.split(".", 1)[1] for path in tmp_path.rglob("*.xplane.pb")] == ["xplane.pb"]
    assert str(trace) == f"a trace of steps 3 to 4 lies in {tmp_path}/profile"


def test_a_run_that_ends_before_the_last_step_writes_what_there_is(tmp_path: Path) -> None:
    trace = Trace(Folder(tmp_path), 1, 10)
    trace.before(1)
    assert not trace.after(1, ())
    trace.close()
    assert list(tmp_path.rglob("*.xplane.pb"))


@pytest.mark.parametrize(
    ("peak", "seconds", "codes"),
    [
        (109, 0.109, []),
        (112, 0.1, [("B0543", "warning")]),
        (85, 0.2, [("B0543", "note"), ("B0544", "note")]),
    ],
)
def test_a_difference_above_a_tenth_is_told_once(
    peak: int, seconds: float, codes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surprise, "memory_peak", lambda: peak)
    expected = Surprise(memory=100, seconds=0.1)
    row, told = expected.measured(seconds)
    assert [(each.code, each.severity) for each in told] == codes
    assert row["z/plan/memory_measured"] == peak and row["z/plan/secs_measured"] == seconds
    assert expected.measured(seconds) == (row, [])


def test_a_device_of_the_plan_has_its_own_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        def __init__(self, stats: dict[str, int] | None) -> None:
            self.memory_stats = lambda: stats

    def devices(*stats: dict[str, int] | None) -> Any:
        return lambda: [Device(each) for each in stats]

    monkeypatch.setattr(jax, "local_devices", devices({"peak_bytes_in_use": 5}, {"peak_bytes_in_use": 7}))
    assert surprise.memory_peak() == 7
    monkeypatch.setattr(jax, "local_devices", devices(None))
    assert Surprise(100, None).measured(1.0) == ({}, [])
