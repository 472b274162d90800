"""The feed: which examples come, in which order, and what happens when something goes wrong."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvc.component.error import DataError
from bvc.runtime.feed import feed as feeds
from bvc.runtime.feed.feed import EvalFeed, TrainFeed
from bvc.runtime.feed.order import example_at, permuted
from tests.runtime.feeding import LOOSE, NUMBERS, VALUES, WORDS, Numbers

ROOT = Path(__file__).parent.parent.parent.parent


def train(steps: int, *, size: int = 50, batch: int = 8, **options: Any) -> list[dict[str, Any]]:
    """The first batches of a feed."""
    settings: dict[str, Any] = {"seed": 1, "shuffle": True, "workers": 0, **options}
    with TrainFeed(Numbers(size), NUMBERS, batch=batch, **settings) as feed:
        return list(itertools.islice(feed, steps))


def same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Whether two lists of batches are equal bit for bit."""
    return len(ours) == len(theirs) and all(
        a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)
        for a, b in zip(ours, theirs, strict=True)
    )


@given(size=st.integers(1, 300), seed=st.integers(0, 2**40), epoch=st.integers(0, 1000))
def test_an_epoch_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    assert sorted(permuted(i, size, seed, epoch) for i in range(size)) == list(range(size))


def test_orders_of_epochs_and_seeds_have_nothing_in_common() -> None:
    size = 1000
    orders = [[permuted(i, size, *at) for i in range(size)] for at in ((0, 0), (0, 1), (1, 0), (1, 1))]
    for a, b in itertools.combinations(orders, 2):
        assert sum(x == y for x, y in zip(a, b, strict=True)) < 12  # expected: 1
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.15
    assert abs(np.corrcoef(orders[0], range(size))[0, 1]) < 0.15


def test_every_position_of_a_permutation_is_as_likely() -> None:
    counts = np.zeros((6, 6))
    for seed in range(1200):
        for i in range(6):
            counts[i, permuted(i, 6, seed, 0)] += 1
    assert np.all(np.abs(counts - 200) < 5 * np.sqrt(200 * 5 / 6))


def test_step_s_holds_the_examples_of_its_positions() -> None:
    batches = train(20)
    drawn = np.concatenate([batch["number"] for batch in batches])
    expected = [example_at(position, 50, 1, True) for position in range(160)]
    assert drawn.tolist() == [index for _, index in expected]
    assert sorted(drawn[:50]) == sorted(drawn[50:100]) == list(range(50))
    assert [epoch for epoch, _ in expected] == [position // 50 for position in range(160)]
    assert batches[0]["number"].dtype == np.int32


def test_without_shuffle_the_order_is_that_of_the_data() -> None:
    drawn = np.concatenate([batch["number"] for batch in train(7, size=10, shuffle=False)])
    assert drawn.tolist() == [i % 10 for i in range(56)]


def test_a_restart_goes_on_where_it_was() -> None:
    whole = train(9)
    assert same(train(4, start_step=5), whole[5:])


def test_processes_share_a_batch() -> None:
    whole = train(5)
    parts = [train(5, rows=range(2 * i, 2 * i + 2)) for i in range(4)]
    joined = [
        {name: np.concatenate([part[s][name] for part in parts]) for name in whole[s]} for s in range(5)
    ]
    assert same(joined, whole)


def test_another_seed_is_another_order() -> None:
    assert not same(train(3), train(3, seed=2))


def test_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leave nothing in the memory that processes share, however slowly it is freed."""
    opened: list[str] = []
    open_, unlink = SharedMemory.__init__, SharedMemory.unlink

    def opens(shared: SharedMemory, name: str | None = None, *given: Any, **named: Any) -> None:
        open_(shared, name, *given, **named)
        opened.append(shared.name)

    def slowly(shared: SharedMemory) -> None:
        time.sleep(0.03)
        unlink(shared)

    monkeypatch.setattr(SharedMemory, "__init__", opens)
    monkeypatch.setattr(SharedMemory, "unlink", slowly)
    assert same(train(8, workers=2, start_step=3), train(8, start_step=3))
    assert len(opened) >= 8 and not [name for name in opened if Path("/dev/shm", name).exists()]


@pytest.mark.parametrize("closed", [True, False])
def test_a_feed_leaves_no_file(closed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that nobody ever asks for a batch."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    feed = TrainFeed(Numbers(50), NUMBERS, batch=8, seed=0, shuffle=True, workers=0)
    assert list(tmp_path.iterdir())
    if closed:
        next(feed)
        feed.close()
    del feed
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_data_wait_is_measured() -> None:
    with TrainFeed(Numbers(50), NUMBERS, batch=8, seed=0, shuffle=True, workers=0) as feed:
        next(feed)
        assert feed.wait > 0


def test_evaluation_sees_each_example_once_and_pads() -> None:
    with EvalFeed(Numbers(10), NUMBERS, batch=4) as feed:
        batches = list(feed)
    assert [batch["number"].tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 0]]
    assert np.concatenate([batch["_mask"] for batch in batches]).tolist() == [True] * 10 + [False] * 2


@pytest.mark.parametrize("processes", [1, 3, 4, 8])
@pytest.mark.parametrize("size", [1, 10, 24, 25])
def test_processes_count_each_example_once(processes: int, size: int) -> None:
    seen: list[int] = []
    steps: set[int] = set()
    share = 24 // processes
    for first in range(0, 24, share):
        with EvalFeed(Numbers(size), NUMBERS, batch=24, rows=range(first, first + share)) as feed:
            batches = list(feed)
        steps.add(len(batches))
        seen += [int(n) for batch in batches for n in batch["number"][batch["_mask"]]]
    assert sorted(seen) == list(range(size))
    assert steps == {-(-size // 24)}


def test_values_become_examples() -> None:
    with EvalFeed(Numbers(7), WORDS, batch=4, expand="words") as feed:
        batches = list(feed)
    words = [
        word for batch in batches for word, real in zip(batch["words"], batch["_mask"], strict=True) if real
    ]
    assert words == ["1-0", "2-0", "2-1", "4-0", "5-0", "5-1"]
    assert np.concatenate([batch["_parent"] for batch in batches]).tolist() == [1, 2, 2, 4, 5, 5, 0, 0]


def test_no_example_at_all() -> None:
    with pytest.raises(DataError, match="no example"):
        TrainFeed(Numbers(0), NUMBERS, batch=4, seed=0, shuffle=True, workers=0)
    with EvalFeed(Numbers(0), NUMBERS, batch=4) as feed:
        assert list(feed) == []


@pytest.mark.parametrize(
    ("records", "pipeline", "told"),
    [
        (Numbers(9, bad=7), NUMBERS, r"a damaged record \(number 7\)"),
        (Numbers(9, long=6), VALUES, r"`values` of type f32\[3\], which should be f32\[2\] \(number 6\)"),
        (Numbers(9, long=7), LOOSE, r"`values` of another size.*: \[3\], not \[2\] \(number 7\)"),
        (Numbers(9, huge=5), NUMBERS, r"does not fit into int32 \(number 5\)"),
    ],
)
def test_the_record_is_named(records: Numbers, pipeline: Any, told: str) -> None:
    with (
        EvalFeed(records, pipeline, batch=3) as feed,
        pytest.raises(DataError, match=told),
    ):
        list(feed)


def test_a_damaged_record_in_a_worker_is_named() -> None:
    with (
        EvalFeed(Numbers(9, bad=7), NUMBERS, batch=3, workers=1) as feed,
        pytest.raises(DataError, match=r"a damaged record \(number 7\)"),
    ):
        list(feed)


@pytest.mark.slow
def test_a_worker_that_dies_is_told_at_once() -> None:
    with (
        EvalFeed(Numbers(9, deadly=7), NUMBERS, batch=3, workers=1) as feed,
        pytest.raises(DataError, match=r"died while it prepared an example \(number 7\)"),
    ):
        list(feed)


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_an_example_that_never_comes_is_named(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_SECONDS", 2.0)
    monkeypatch.setattr(feeds, "_CLOSE_SECONDS", 0.5)
    with (
        EvalFeed(Numbers(9, slow=7), NUMBERS, batch=3, workers=workers) as feed,
        pytest.raises(DataError, match=r"not ready after \d+ seconds \(number 7\)"),
    ):
        list(feed)


_PARENT = """
import multiprocessing
from tests.runtime.feeding import NUMBERS, Numbers
from bvc.runtime.feed.feed import TrainFeed
if __name__ == "__main__":
    feed = TrainFeed(Numbers(50), NUMBERS, batch=8, seed=0, shuffle=True, workers=2)
    for _ in range(5):
        next(feed)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    while True:
        next(feed)
"""


@pytest.mark.slow
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, env=environment, text=True
    ) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        ended = time.monotonic() + 10
        while any(_runs(pid) for pid in workers) and time.monotonic() < ended:
            time.sleep(0.2)
        assert not any(_runs(pid) for pid in workers)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_bad_example_is_replaced_by_one_that_its_position_decides() -> None:
    def drawn(feed: TrainFeed) -> list[list[int]]:
        with feed:
            return [next(feed)["number"].tolist() for _ in range(12)]

    options: dict[str, Any] = {"batch": 8, "seed": 1, "shuffle": True, "workers": 0}
    whole = drawn(TrainFeed(Numbers(50), NUMBERS, **options))
    feed = TrainFeed(Numbers(50, bad=7), NUMBERS, skip=1, **options)
    mended = drawn(feed)
    differ = [(a, b) for x, y in zip(whole, mended, strict=True) for a, b in zip(x, y, strict=True) if a != b]
    assert differ and all(a == 7 for a, _ in differ) and 7 not in {b for _, b in differ}
    assert feed.skipped() == ["skipped an example, 1 of at most 1: a damaged record (number 7)"]
    assert feed.skipped() == []
    assert drawn(TrainFeed(Numbers(50, bad=7), NUMBERS, skip=1, start_step=3, **options))[:9] == mended[3:]


@pytest.mark.slow
def test_what_a_worker_replaced_is_told() -> None:
    def drawn(workers: int) -> tuple[list[list[int]], list[str]]:
        records = Numbers(50, bad=7)
        with TrainFeed(records, NUMBERS, batch=8, seed=1, shuffle=True, skip=1, workers=workers) as feed:
            return [next(feed)["number"].tolist() for _ in range(12)], feed.skipped()

    assert drawn(1) == drawn(0)


def test_more_bad_examples_than_allowed_end_the_run() -> None:
    records = Numbers(50, bad=7, huge=3)
    with (
        TrainFeed(records, NUMBERS, batch=50, seed=1, shuffle=True, skip=1, workers=0) as feed,
        pytest.raises(
            DataError, match=r"2 examples that cannot be used, more than `data.train.skip_bad = 1`"
        ),
    ):
        next(feed)
    with (
        TrainFeed(Numbers(1, bad=0), NUMBERS, batch=2, seed=1, shuffle=True, skip=3, workers=0) as feed,
        pytest.raises(DataError, match="1 examples that cannot be used"),
    ):
        next(feed)
