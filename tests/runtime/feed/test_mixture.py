"""Several sources as one: shares, epochs of each, and the same batches however they are made."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.component.shares import BLOCK, block_shares
from bvc.runtime.feed.feed import TrainFeed
from bvc.runtime.feed.mixture import MixedPipeline, Mixture, mixed
from bvc.runtime.feed.order import Order, interleaved
from tests.runtime.feeding import NUMBERS, Numbers

SIZES, WEIGHTS = (30, 20, 7), (3.0, 1.0, 2.0)


def batches(steps: int, start: int = 0, **options: Any) -> list[dict[str, Any]]:
    parts = tuple(Numbers(size) for size in SIZES)
    records, pipeline = mixed(parts, (NUMBERS,) * 3, WEIGHTS)
    given: dict[str, Any] = {"batch": 8, "seed": 5, "shuffle": True, "workers": 0, **options}
    with TrainFeed(records, pipeline, start_step=start, **given) as feed:
        return list(itertools.islice(feed, steps))


def same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    return len(ours) == len(theirs) and all(
        np.array_equal(a[name], b[name]) for a, b in zip(ours, theirs, strict=True) for name in a
    )


def order(shuffle: bool = True, seed: int = 5) -> Order:
    return Order(SIZES, block_shares(WEIGHTS), seed, shuffle)


def drawn(at: Order, positions: range) -> list[list[tuple[int, int]]]:
    """(epoch, number in its source) of each source, in the order in which they come."""
    found: list[list[tuple[int, int]]] = [[], [], []]
    for position in positions:
        epoch, number = at.at(position)
        source = int(np.searchsorted(np.cumsum(SIZES), number, side="right"))
        found[source].append((epoch, number - sum(SIZES[:source])))
    return found


@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9))
@settings(max_examples=30)
def test_shares_are_the_weights_to_one_example(weights: list[float]) -> None:
    shares = block_shares(weights)
    assert sum(shares) == BLOCK
    assert all(
        abs(share - weight / sum(weights) * BLOCK) <= 1 for share, weight in zip(shares, weights, strict=True)
    )


def test_every_block_holds_the_shares_and_every_epoch_each_example_once() -> None:
    at = order()
    for block in range(2):
        sources, before = interleaved(at.shares, at.seed, block)
        for source, share in enumerate(at.shares):
            assert np.array_equal(before[sources == source], np.arange(share))
    around = drawn(at, range(BLOCK - 600, BLOCK + 600))  # across the border of two blocks
    assert abs(len(around[0]) - 600) < 90 and abs(len(around[1]) - 200) < 75
    for size, pairs in zip(SIZES, around, strict=True):
        whole = {epoch for epoch, _ in pairs} - {pairs[0][0], pairs[-1][0]}
        for epoch in whole:
            assert sorted(number for at, number in pairs if at == epoch) == list(range(size))


def test_sources_of_one_size_have_orders_of_their_own() -> None:
    at = Order((64, 64), (BLOCK // 2, BLOCK // 2), 0, True)
    found: dict[bool, list[int]] = {False: [], True: []}
    for position in range(200):
        number = at.at(position)[1]
        found[number >= 64].append(number % 64)
    assert found[False][:40] != found[True][:40]


def test_without_shuffle_each_source_keeps_its_order() -> None:
    for size, pairs in zip(SIZES, drawn(order(shuffle=False), range(500)), strict=True):
        assert [number for _, number in pairs] == [i % size for i in range(len(pairs))]


def test_a_replacement_is_of_the_same_source() -> None:
    at = order()
    for number in range(sum(SIZES)):
        source = int(np.searchsorted(np.cumsum(SIZES), number, side="right"))
        instead = {at.instead(0, number, attempt) for attempt in range(1, 9)}
        assert all(sum(SIZES[:source]) <= each < sum(SIZES[: source + 1]) for each in instead)


def test_restarts_and_processes_change_nothing() -> None:
    whole = batches(9)
    assert same(batches(5, start=4), whole[4:])
    parts = [batches(9, rows=range(2 * i, 2 * i + 2)) for i in range(4)]
    joined = [
        {name: np.concatenate([part[s][name] for part in parts]) for name in whole[s]} for s in range(9)
    ]
    assert same(joined, whole)
    assert not same(batches(9, seed=6), whole)


@pytest.mark.slow
def test_workers_change_nothing() -> None:
    assert same(batches(9, workers=2), batches(9))


def test_each_example_goes_through_the_pipeline_of_its_source() -> None:
    records = Mixture((Numbers(3), Numbers(2)), (1.0, 1.0))
    pipeline = MixedPipeline((NUMBERS, NUMBERS), records)
    assert [records[i]["number"].item() for i in range(5)] == [0, 1, 2, 0, 1]
    assert [records.describe(i) for i in (2, 3)] == ["number 2", "number 0"]
    first, second = (pipeline.apply(records[i], 0, 0, i)["drawn"] for i in (0, 3))
    assert not np.array_equal(first, second)  # the same number of two sources draws apart
