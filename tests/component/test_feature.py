"""Features as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvc.component.feature import Feature

DTYPES = ("bytes", "str", "bool", "uint8", "int32", "int64", "float16", "float32", "bfloat16")
dims = st.integers(1, 9999) | st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)


@given(st.builds(Feature, st.sampled_from(DTYPES), st.lists(dims, max_size=4).map(tuple)))
def test_a_feature_is_read_as_it_was_written(feature: Feature) -> None:
    assert Feature.parse(str(feature)) == feature


@pytest.mark.parametrize("text", ["", "u8[", "u8[3]]", "[3]", "f32 3", "f32[a [b]]"])
def test_what_is_no_feature_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no feature"):
        Feature.parse(text)


def test_a_feature_is_fixed_when_all_of_its_dims_are_numbers() -> None:
    assert Feature("uint8", (224, 224, 3)).fixed
    assert not Feature("uint8", ("h", "w", 3)).fixed
