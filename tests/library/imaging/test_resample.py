"""Windows of a resized image, and images that resizing must not change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bvc.library.imaging.resample import resample
from bvc.library.imaging.taps import METHODS, Method, taps

SIDES = st.integers(1, 40)
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 40, 3), np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(METHODS), st.booleans(), st.sampled_from(["uint8", "float32"]))
def test_a_window_has_the_bits_of_the_whole(
    data: st.DataObject, method: Method, antialias: bool, dtype: str
) -> None:
    image = PIXELS[: data.draw(SIDES), : data.draw(SIDES)].astype(dtype)
    height, width = data.draw(SIDES), data.draw(SIDES)
    h, w = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    top, left = data.draw(st.integers(0, height - h)), data.draw(st.integers(0, width - w))
    whole = resample(image, height, width, method, antialias)
    window = resample(image, height, width, method, antialias, (top, left, h, w))
    assert whole.shape == (height, width, 3) and whole.dtype == dtype
    assert np.array_equal(window, whole[top : top + h, left : left + w])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(7, 40), (33, 90), (20, 31)])
def test_equal_bytes_stay_themselves(method: Method, size: tuple[int, int]) -> None:
    flat = np.repeat(np.arange(256, dtype=np.uint8), 3)[None, None, :] + np.zeros((20, 31, 1), np.uint8)
    assert (resample(flat, *size, method, True) == flat[0, 0]).all()
    assert (resample(flat, *size, method, False) == flat[0, 0]).all()


def test_each_axis_is_weighed_by_its_taps() -> None:
    def dense(size_in: int, size_out: int) -> np.ndarray:
        matrix = np.zeros((size_out, size_in))
        index, weight = taps(size_in, size_out, "area", False)
        np.add.at(matrix, (np.arange(size_out)[:, None], index), weight)
        return matrix

    image = RNG.random((2, 50, 3000, 1), np.float32)
    for width in (11, 400):  # whole, and in strips
        expected = dense(50, 20) @ image[..., 0] @ dense(3000, width).T
        assert np.allclose(resample(image, 20, width, "area", False)[..., 0], expected, atol=1e-6)


def test_a_mirrored_image_and_no_image() -> None:
    mirrored = PIXELS[:, ::-1]
    assert np.array_equal(
        resample(mirrored, 9, 50, "bilinear", False), resample(mirrored.copy(), 9, 50, "bilinear", False)
    )
    assert resample(PIXELS[None][:0], 9, 50, "bilinear", False).shape == (0, 9, 50, 3)
