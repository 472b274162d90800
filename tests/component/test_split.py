"""Slices of splits: what they hold, as TFDS says, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bvc.component.split import SplitError, parse_split, split_size

SIZES = {"train": 1_281_167, "validation": 50_000, "tiny": 7}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("train", 1_281_167),
        ("train[:99%]", 1_268_355),
        ("train[99%:]", 12_812),
        ("train[:2%]", 25_623),
        ("train[:25_600]", 25_600),
        ("train[25_600:]", 1_255_567),
        ("validation[-10:]", 10),
        ("validation[:-10%]", 45_000),
        ("validation[10:5]", 0),
        ("tiny[:50%]", 4),
        ("tiny[:100]", 7),
        ("train+validation[:10]", 1_281_177),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert split_size(text, SIZES) == size


def test_the_size_of_an_unknown_split_is_not_known() -> None:
    assert split_size("test", SIZES) is None


@given(
    size=st.integers(1, 5000),
    start=st.none() | st.integers(-100, 100),
    stop=st.none() | st.integers(-100, 100),
    percent=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_agrees_with_tfds(size: int, start: int | None, stop: int | None, percent: bool) -> None:
    from tensorflow_datasets.core import splits

    assume(start is not None or stop is not None)
    unit = "%" if percent else ""
    if not percent:
        start = None if start is None else max(-size, min(start, size))
        stop = None if stop is None else max(-size, min(stop, size))
    text = f"s[{'' if start is None else f'{start}{unit}'}:{'' if stop is None else f'{stop}{unit}'}]"
    info = splits.SplitInfo(name="s", num_bytes=0, shard_lengths=[size])
    instruction = splits.ReadInstruction.from_spec(text).to_absolute({"s": info})[0]
    ours = parse_split(text)[0].range(size)
    begin = instruction.from_ or 0
    expected = range(begin, max(begin, size if instruction.to is None else instruction.to))
    assert len(ours) == len(expected)
    assert list(ours[:1]) == list(expected[:1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no split"),
        ("train[", "is no split"),
        ("train[:5", "is no split"),
        ("train[5]", "is no split"),
        ("train[:x]", "no number of examples"),
        ("train[:1.5]", "no number of examples"),
        ("train[:%]", "no number of examples"),
        ("train[:101%]", "beyond 100%"),
        ("trane", "does not exist"),
        ("tiny[7:]", "holds no example"),
        ("train+", "is no split"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(SplitError, match=reason) as caught:
        parse_split(text, SIZES)
    assert caught.value.help
