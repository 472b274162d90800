"""Features that are read off the examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bvc.component.error import DataError
from bvc.runtime.feed.features_seen import features_seen

BOX = np.zeros((2, 4), np.float32)


def seen(examples: Any, *files: str) -> dict[str, str]:
    """A list will do as records."""
    return {name: str(feature) for name, feature in features_seen(examples, files).items()}


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["a", "b"], "str"),
        ([["a"], ["b", "c"]], "str[x_n]"),
        ([[], ["b", "c"], []], "str[x_n]"),
        ([np.asarray(1), np.asarray(2)], "i64"),
        ([np.asarray(1), np.float32(0.5)], "f32"),
        ([np.arange(3), np.arange(3)], "i64[3]"),
        ([np.arange(3), np.arange(2)], "i64[x_n]"),
        ([np.arange(3), [], np.arange(3)], "i64[x_n]"),
        ([[], BOX, BOX[:1]], "f32[x_n 4]"),
        ([BOX, BOX[:, :2]], "f32[2 x_1]"),
        ([[], []], "f32[0]"),
    ],
)
def test_the_type_holds_all_examples(values: list[Any], type_: str) -> None:
    assert seen([{"x": value} for value in values]) == {"x": type_}


def test_files_are_bytes() -> None:
    assert seen([{"x": "a name"}], "x") == {"x": "bytes"}


@pytest.mark.parametrize(
    ("examples", "what"),
    [
        ([{"x": "a"}, {"x": np.asarray(1)}], "`x` as i64, which before was str"),
        ([{"x": np.arange(2)}, {"x": BOX}], r"`x` as f32\[2 4\]"),
        ([{"x": "a"}, {"x": []}], "`x` as empty"),
        ([{"x": "a"}, {"y": "a"}], "lacks `x`"),
        ([{"x": "a"}, {"x": "a", "y": "b"}], "has `y`"),
    ],
)
def test_examples_that_do_not_agree_are_told(examples: list[dict[str, Any]], what: str) -> None:
    with pytest.raises(DataError, match=what):
        seen(examples)
