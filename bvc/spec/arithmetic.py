"""Operators and functions of expressions on plain scalars. Work and size of the result are bounded."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

from bvc.diagnostics import Failed, Place
from bvc.diagnostics.catalog import expressions as catalog
from bvc.spec.tree import Scalar
from bvc.spec.written import kind

Number = int | float

LARGEST = 2**63 - 1
_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": operator.mod,
    "**": lambda left, right: left**right,
}
_ORDER: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC = tuple(_ARITHMETIC)


def is_number(value: object) -> bool:
    """Whether a value can be reckoned with; a bool cannot."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def calculate(sign: str, left: Scalar, right: Scalar, place: Place) -> Number:
    """`left sign right`. Raises `Failed` for operands that are no numbers and results out of range."""
    for value in (left, right):
        if not is_number(value):
            raise Failed(catalog.not_a_number(place, sign, kind(value)))
    assert isinstance(left, (int, float)) and isinstance(right, (int, float))
    if sign in ("/", "//", "%") and right == 0:
        raise Failed(catalog.division_by_zero(place, sign))
    if sign == "**":
        _check_power(left, right, place)
    try:
        return _in_range(_ARITHMETIC[sign](left, right), place)
    except OverflowError:
        raise Failed(catalog.number_too_large(place)) from None


def compare(sign: str, left: Scalar, right: Scalar, place: Place) -> bool:
    """`left sign right`; values of two types are never compared."""
    numbers = is_number(left) and is_number(right)
    if not numbers and kind(left) != kind(right):
        raise Failed(catalog.compared_types(place, kind(left), kind(right)))
    if sign in ("==", "!="):
        return (left == right) == (sign == "==")
    if not numbers:
        raise Failed(catalog.not_a_number(place, sign, kind(left)))
    assert isinstance(left, (int, float)) and isinstance(right, (int, float))
    return _ORDER[sign](left, right)


def apply(function: str, values: Sequence[Scalar], place: Place) -> Number:
    """`min`, `max`, `int` or `round` of numbers."""
    for value in values:
        if not is_number(value):
            raise Failed(catalog.not_a_number(place, function, kind(value)))
    numbers = [value for value in values if isinstance(value, (int, float))]
    most = {"int": 1, "round": 2}.get(function)
    if (most and len(numbers) > most) or (most is None and len(numbers) < 2):
        raise Failed(catalog.argument_count(place, function, len(numbers)))
    if function == "int":
        return int(numbers[0])
    if function == "round":
        return _round(numbers, place)
    return min(numbers) if function == "min" else max(numbers)


def negate(value: Scalar, place: Place) -> Number:
    """`-value`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Failed(catalog.not_a_number(place, "-", kind(value)))
    return _in_range(-value, place)


def _round(numbers: Sequence[Number], place: Place) -> Number:
    if len(numbers) == 1:
        return round(numbers[0])
    digits = numbers[1]
    if not isinstance(digits, int) or abs(digits) > 18:
        raise Failed(catalog.bad_digits(place))
    return _in_range(round(numbers[0], digits), place)


def _check_power(base: Number, exponent: Number, place: Place) -> None:
    if base == 0 and exponent < 0:
        raise Failed(catalog.division_by_zero(place, "**"))
    if base < 0 and not float(exponent).is_integer():
        raise Failed(catalog.root_of_negative(place))
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 63:
        raise Failed(catalog.number_too_large(place))


def _in_range(value: Number, place: Place) -> Number:
    if isinstance(value, int) and abs(value) > LARGEST or not math.isfinite(value):
        raise Failed(catalog.number_too_large(place))
    return value
