import pytest

from bvc.runtime.due import Times, due
from tests.runtime.recorded import RECORDED, happens

LOOPS = RECORDED["train_loop"]["rows"]


@pytest.mark.parametrize("loop", LOOPS)
def test_what_happens_when_is_as_recorded(loop):
    ours, theirs = happens(loop)
    assert ours == theirs


def test_before_training_unless_skipped():
    times = Times(10, 5, None, None)
    assert times.evaluates(0, 5, skip_first=False)
    assert not times.evaluates(0, 5, skip_first=True)
    assert not times.evaluates(0, None, skip_first=False)


def test_without_an_interval_never():
    assert not any(due(step, None, 10) for step in range(11))


def test_the_end_is_saved_whatever_the_interval():
    assert [step for step in range(1, 11) if Times(10, 5, None, None).saves(step)] == [10]
    assert [step for step in range(1, 11) if Times(10, 5, 4, None).saves(step)] == [1, 4, 8, 10]
