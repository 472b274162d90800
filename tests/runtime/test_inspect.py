"""Contact sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsIndex

import numpy as np
import pytest

from bvc.component.feature import Feature
from bvc.runtime.inspect import TILE, describe, look, picture
from tests.pipelines import compiled


class Flat:
    """Images of one value each."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        return {"image": np.full((20, 30, 3), number * 40, np.uint8), "label": np.asarray(number)}


RAW = {"image": Feature("uint8", (20, 30, 3)), "label": Feature("int64")}


def test_a_sheet_shows_examples_in_order() -> None:
    looked = look(Flat(), compiled(RAW, "resize(10)"), rows=2, columns=3)
    assert looked.examples == 5 and describe(looked) == {"image": "u8[10 10 3]", "label": "i64"}
    assert looked.names == [f"example {i}" for i in range(5)]
    assert looked.sheet is not None
    pixels = np.asarray(looked.sheet)
    side = TILE + 4
    for number in range(5):
        row, column = divmod(number, 3)
        assert (pixels[row * side + side // 2, column * side + side // 2] == number * 40).all()
    assert (pixels[side + side // 2, 2 * side + side // 2] == 255).all()


def test_without_an_image_there_is_no_sheet() -> None:
    assert look(Flat(), compiled(RAW, "keep('label')")).sheet is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_values_of_any_range_become_a_picture(channels: int) -> None:
    values = np.linspace(-1, 1, 4 * 5 * channels, dtype=np.float32).reshape(4, 5, channels)
    shown = picture(values)
    assert shown.shape == (4, 5, 3) and shown.dtype == np.uint8 and shown[0, 0, 0] == 0
    assert (picture(np.zeros((4, 5, channels), np.int32)) == 0).all()
