"""Contact sheets, and what is said of values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, SupportsIndex

import numpy as np
import pytest

from bvc.component.feature import Feature
from bvc.runtime.datasets.inspect import (
    GAP,
    LINE,
    TILE,
    Looked,
    caption,
    describe,
    look,
    picture,
    value_range,
)
from tests.pipelines import compiled
from tests.runtime.data_files import jpeg


class Flat:
    """Images of one value each."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        return {"image": np.full((20, 30, 3), number * 40, np.uint8), "label": np.asarray(number)}


RAW = {"image": Feature("uint8", (20, 30, 3)), "label": Feature("int64")}


def looked(*calls: str) -> Looked:
    pipeline = compiled(RAW, *calls)
    return look(
        Flat(),
        pipeline.outputs,
        lambda number: pipeline.apply(Flat()[number], 0, 0, number),
        rows=2,
        columns=3,
    )


def test_a_sheet_shows_examples_in_order() -> None:
    found = looked("resize(10)")
    assert found.examples == 5
    assert {name: str(feature) for name, feature in found.features.items()} == {
        "image": "u8[10 10 3]",
        "label": "i64",
    }
    assert found.seen == {"image": "0 .. 160", "label": "0 .. 4"}
    assert found.names == [f"example {i}" for i in range(5)]
    assert found.sheet is not None
    pixels = np.asarray(found.sheet)
    wide, high = TILE + GAP, TILE + GAP + 2 * LINE
    for number in range(5):
        row, column = divmod(number, 3)
        tile = pixels[row * high + wide // 2, column * wide + wide // 2]
        assert (tile == number * 40).all()
        assert (pixels[row * high + wide :, column * wide :][: 2 * LINE, :wide] < 255).any()  # its caption
    assert (pixels[high + wide // 2, 2 * wide + wide // 2] == 255).all()


def test_without_an_image_there_is_no_sheet() -> None:
    assert looked("keep('label')").sheet is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_values_of_any_range_become_a_picture(channels: int) -> None:
    values = np.linspace(-1, 1, 4 * 5 * channels, dtype=np.float32).reshape(4, 5, channels)
    shown = picture(values, (-1, 1))
    assert shown.shape == (4, 5, 3) and shown.dtype == np.uint8 and shown[0, 0, 0] == 0
    assert (picture(np.zeros((4, 5, channels), np.int32), (0, 0)) == 0).all()


@pytest.mark.parametrize(
    ("low", "high", "dtype", "limits"),
    [
        (0.1, 0.9, np.float32, (0, 1)),
        (-0.2, 0.9, np.float32, (-1, 1)),
        (0.0, 200.0, np.float32, (0, 255)),
        (-2.0, 2.5, np.float32, (-2, 2.5)),
        (3, 7, np.int32, (3, 7)),
    ],
)
def test_black_and_white_are_the_ends_of_the_usual_range(
    low: float, high: float, dtype: type, limits: tuple[float, float]
) -> None:
    values = [np.full((2, 2, 3), value, dtype) for value in (low, high)]
    assert value_range(values) == limits


def test_a_caption_names_texts_and_classes() -> None:
    example = {
        "text": "a ring",
        "label": np.asarray(3),
        "labels": np.eye(5, dtype=np.float32)[2],
        "x": np.ones(2),
    }
    assert caption(example) == "a ring  label 3  labels 2"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([jpeg(0, 16, 20), jpeg(0, 24, 12)], r"\d+ bytes, JPEG of 16x12 .. 24x20 pixels"),
        ([b"no image"], "8 bytes"),
        (["ab", "abcd"], "2 .. 4 letters"),
        ([np.zeros(0), ["a", "b"]], "0 .. 2 in one example"),
        ([np.zeros((1, 4)), np.ones((3, 4))], "0 .. 1, sizes 1x4 .. 3x4"),
        ([np.zeros((0, 4))], "empty"),
    ],
)
def test_values_are_described(values: list[Any], said: str) -> None:
    assert re.fullmatch(said, describe(values)), describe(values)
