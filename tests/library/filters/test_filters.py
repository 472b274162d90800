"""Every filter says of an example what it promises."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest

from bvc.component import SettingError, registry
from bvc.library.filters.image_size import ImageSize
from bvc.library.filters.nonempty import nonempty
from bvc.library.filters.one_of import OneOf
from bvc.library.filters.within import Within


def png(height: int, width: int) -> bytes:
    data = io.BytesIO()
    PIL.Image.new("RGB", (width, height)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("verdict", "passes"),
    [
        (OneOf((3, 5))(np.asarray(5)), True),
        (OneOf((3, 5))(np.asarray(4)), False),
        (Within(least=1.0)(np.asarray(1.0)), True),
        (Within(least=1.0, most=2.0)(np.asarray(2.5)), False),
        (Within(most=-1.0)(np.asarray(-3)), True),
        (nonempty(" "), False),
        (nonempty(["", "a"]), True),
        (nonempty([]), False),
        (nonempty(b""), False),
        (nonempty(np.zeros(2)), True),
        (ImageSize(least=8)(png(8, 30)), True),
        (ImageSize(least=9)(png(8, 30)), False),
        (ImageSize(most=29)(png(8, 30)), False),
    ],
)
def test_a_verdict_is_one_boolean(verdict: Any, passes: bool) -> None:
    assert verdict.dtype == np.bool_ and verdict.shape == () and bool(verdict) is passes


@pytest.mark.parametrize(
    "make", [lambda: OneOf(()), Within, lambda: Within(2.0, 1.0), ImageSize, lambda: ImageSize(2, 1)]
)
def test_a_filter_that_cannot_be_meant_is_refused(make: Any) -> None:
    with pytest.raises(SettingError):
        make()


def test_every_filter_is_tested() -> None:
    assert registry.names("filter") == ["image_size", "nonempty", "one_of", "within"]
