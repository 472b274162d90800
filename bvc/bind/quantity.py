"""Quantities with units: durations of training, and sizes in bytes."""

from __future__ import annotations

import re
from typing import NamedTuple, get_args

from bvc.ir import DurationUnit

DURATION_UNITS: tuple[str, ...] = ("steps", "epochs", "examples", "%")
BYTE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9}
_QUANTITY = re.compile(
    r"\s*(?P<number>[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?)(?P<scale>[kMB]?)\s*(?P<unit>\S.*?)?\s*"
)
_SINGULAR = {"step": "steps", "epoch": "epochs", "example": "examples", "percent": "%"}

assert set(DURATION_UNITS) == set(get_args(DurationUnit))


class Quantity(NamedTuple):
    """A number and the unit as written; the unit is empty when none was given."""

    value: float
    unit: str


def parse(text: str) -> Quantity | None:
    """Number, scale and unit of a text; None if it does not begin with a number.

    >>> parse("5_000 steps")
    Quantity(value=5000.0, unit='steps')
    >>> parse("1.28M examples")
    Quantity(value=1280000.0, unit='examples')
    >>> parse("3%")
    Quantity(value=3.0, unit='%')
    >>> parse("4 MiB")
    Quantity(value=4.0, unit='MiB')
    >>> parse("soon") is None
    True
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    unit = found["unit"] or ""
    return Quantity(
        float(found["number"].replace("_", "")) * _SCALES[found["scale"]], _SINGULAR.get(unit, unit)
    )
