"""Ticks lie in their range, are few, and are told apart by their labels."""

import math

from hypothesis import given
from hypothesis import strategies as st

from bvc.figure.ticks import linear_ticks, log_ticks, short, tick_label


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_linear_ticks_are_round_apart_and_within(low: float, width: float) -> None:
    high = low + width
    if not high - low > 1e-9 * abs(low):  # what floats can't hold apart
        return
    ticks = linear_ticks(low, high)
    assert 1 <= len(ticks) <= 7
    assert all(low - width * 1e-6 <= tick <= high + width * 1e-6 for tick in ticks)
    assert ticks == sorted(set(ticks))


@given(st.floats(-12, 12), st.floats(0.01, 12))
def test_log_ticks_are_within_and_few(power: float, decades: float) -> None:
    low, high = 10.0**power, 10.0 ** (power + decades)
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 9
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in ticks)


def test_labels_of_neighbours_differ() -> None:
    for low, high in ((0, 1), (0, 2e-5), (80.91, 80.95), (0, 250_000), (-3, 3), (1.1e6, 1.2e6)):
        ticks = linear_ticks(low, high)
        labels = [tick_label(tick, ticks[1] - ticks[0]) for tick in ticks]
        assert len(set(labels)) == len(ticks), labels


def test_numbers_in_a_few_characters() -> None:
    assert [short(value) for value in (0.0, 1e-5, 1.234e-7, 81.0, 20_000, 1.5e6, -0.5)] == [
        *("0", "1e-5", "1.23e-7", "81", "20k", "1.5M", "-0.5")
    ]
    assert short(math.nan) == "nan"
