import pytest

from bvc.runtime.clock import Clock
from tests.runtime.recorded import RECORDED

CHRONO = RECORDED["chrono"]
TIMED = ("uptime", "img/sec/core", "core_hours_cpu", "core_hours")


class Fake:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def recorded_run(fake: Fake, clock: Clock):
    """Replays the recorded events; big_vision's clock is warm after its second tick, ours when started."""
    last = None
    for event in CHRONO["events"]:
        if event["paused"]:
            with clock.pause():
                fake.now += event["paused"]
        fake.now += event["seconds_since_previous"]
        assert fake.now == event["now"]
        if event["step"] == last:
            continue
        last = event["step"]
        yield event, clock.tick(last)
        if last == 2:
            clock.start(2)


def test_speed_and_core_hours_are_those_recorded():
    fake = Fake()
    clock = Clock(batch=32, devices=CHRONO["device_count"], kind="cpu", now=fake)
    for event, found in recorded_run(fake, clock):
        assert found == pytest.approx({name: value for name, value in event["measured"] if name in TIMED})
    saved = clock.saved()
    seen = saved.pop("examples")
    recorded = {
        name.removeprefix("accum_").removesuffix("_time"): value for name, value in CHRONO["save"].items()
    }
    # the recorded integral of examples includes the two steps of the warm-up
    assert seen + 2 * 32 == recorded.pop("examples_seen")
    assert saved == pytest.approx(recorded)


def test_a_continued_run_adds_to_the_hours_before():
    fake = Fake()
    clock = Clock(batch=1, devices=2, kind="x", now=fake)
    clock.start(0)
    fake.now = 3600.0
    clock.tick(10)
    again = Clock(batch=1, devices=2, kind="x", totals=clock.saved(), now=fake)
    again.start(10)
    fake.now = 5400.0
    found = again.tick(20)
    assert (found["core_hours"], found["core_hours_x"], found["uptime"]) == (3.0, 3.0, 5400.0)
