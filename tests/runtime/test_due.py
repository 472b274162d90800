import pytest

from bvc.runtime.due import Times, due
from tests.runtime.recorded import RECORDED

LOOPS = RECORDED["train_loop"]["rows"]


@pytest.mark.parametrize("loop", LOOPS)
def test_what_happens_when_is_as_recorded(loop):
    times = Times(
        loop["total_steps"], loop["log_training_steps"], loop["ckpt_steps"], loop["keep_ckpt_steps"]
    )
    first = loop["first_step"]
    steps = range(first + 1, times.total + 1)
    # a restarted big_vision logs its first two steps to warm up its clock; bvc's rows depend on the step alone
    warm = () if first == 0 else (first + 1, first + 2)
    assert [step for step in steps if times.logs(step)] == [
        step for step in loop["metric_steps"] if step not in warm
    ]
    assert [step for step in steps if times.saves(step)] == [step for step, _ in loop["checkpoints"]]
    kept = [step for step in steps if times.saves(step) and (times.keeps(step) or step == times.total)]
    assert kept == [step for step, kept in loop["checkpoints"] if kept]
    every = loop["eval_log_steps"]
    assert [step for step in steps if times.evaluates(step, every, skip_first=False)] == loop["evals"]


def test_before_training_unless_skipped():
    times = Times(10, 5, None, None)
    assert times.evaluates(0, 5, skip_first=False)
    assert not times.evaluates(0, 5, skip_first=True)
    assert not times.evaluates(0, None, skip_first=False)


def test_without_an_interval_never():
    assert not any(due(step, None, 10) for step in range(11))
