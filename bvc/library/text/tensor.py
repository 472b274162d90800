"""Values as TensorFlow prints them into a text."""

from __future__ import annotations

from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """A text as it is, a number, or an array of them.

    >>> shown(np.array([1.0, 2.5]))
    '[1 2.5]'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(value)}]"
    array = np.asarray(value)
    return _number(array[()]) if array.ndim == 0 else _rows(array, 1)


def _rows(array: np.ndarray, depth: int) -> str:
    if array.ndim == 1:
        return f"[{' '.join(_number(value) for value in array)}]"
    separator = "\n" * (array.ndim - 1) + " " * depth
    return f"[{separator.join(_rows(row, depth + 1) for row in array)}]"


def _number(value: Any) -> str:
    if value.dtype.kind == "b":
        return str(int(value))
    if value.dtype.kind in "iu":
        return str(value)
    short = f"{value:.6g}"
    return short if value.dtype.type(short) == value else f"{value:.9g}"
