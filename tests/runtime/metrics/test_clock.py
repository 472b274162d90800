import pytest

from bvc.runtime.metrics.clock import Clock
from tests.runtime.recorded import RECORDED, FakeClock, timed

CHRONO = RECORDED["chrono"]


def test_speed_and_core_hours_are_those_recorded():
    fake = FakeClock()
    clock = Clock(batch=32, devices=CHRONO["device_count"], kind="cpu", now=fake)
    for found, recorded in timed(CHRONO, clock, fake):
        assert found == pytest.approx(recorded)


def test_a_continued_run_adds_to_the_hours_before():
    fake = FakeClock()
    clock = Clock(batch=1, devices=2, kind="x", now=fake)
    clock.start(0)
    fake.now = 3600.0
    clock.tick(10)
    again = Clock(batch=1, devices=2, kind="x", totals=clock.saved(), now=fake)
    again.start(10)
    fake.now = 5400.0
    found = again.tick(20)
    assert (found["core_hours"], found["core_hours_x"], found["uptime"]) == (3.0, 3.0, 5400.0)
