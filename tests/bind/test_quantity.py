"""Quantities: number, scale and unit."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvc.bind import quantity
from bvc.bind.quantity import BYTE_UNITS, DURATION_UNITS, parse


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(quantity).failed == 0


@given(
    st.integers(0, 10**9),
    st.sampled_from(["", "k", "M", "B"]),
    st.sampled_from([*DURATION_UNITS, *BYTE_UNITS]),
    st.sampled_from([" ", "  "]),
)
def test_a_number_with_scale_and_unit_is_read_back(number: int, scale: str, unit: str, gap: str) -> None:
    found = parse(f"{number:_}{scale}{gap}{unit}")
    assert found is not None
    assert found.unit == unit
    assert found.value == pytest.approx(number * {"": 1, "k": 1e3, "M": 1e6, "B": 1e9}[scale])


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1 step", 1, "steps"),
        ("1 example", 1, "examples"),
        ("2 percent", 2, "%"),
        ("2e3 steps", 2000, "steps"),
        ("1.5 epochs", 1.5, "epochs"),
        ("7", 7, ""),
        (" 7 steps ", 7, "steps"),
        ("4 M B", 4, "M B"),
    ],
)
def test_spellings(text: str, value: float, unit: str) -> None:
    assert parse(text) == (value, unit)


@pytest.mark.parametrize(
    "text", ["", " ", "steps", "-1 steps", "+1 steps", ".5 steps", "_1 steps", "ten steps", "nan steps"]
)
def test_what_is_no_quantity(text: str) -> None:
    assert parse(text) is None
