"""Where an axis has its ticks, and numbers as an axis and a legend spell them."""

from __future__ import annotations

import math

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_DECIMALS = 6


def linear_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, at equal distances, at most `most` of them.

    >>> linear_ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    step = _round_step((high - low) / max(1, most - 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(step * index, digits) for index in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Powers of ten from `low` to `high`, with their doubles and fivefolds where there would be too few.

    >>> log_ticks(0.01, 100.0)
    [0.01, 0.1, 1.0, 10.0, 100.0]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    within = [10.0**power for power in range(first, last + 1) if _inside(10.0**power, low, high)]
    if len(within) < 3:
        finer = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
        within = [value for value in finer if _inside(value, low, high)]
    return within[:: math.ceil(len(within) / most)] if within else [low, high]


def tick_label(value: float, step: float) -> str:
    """A tick of a linear axis whose ticks are `step` apart.

    >>> tick_label(0.25, 0.05), tick_label(20_000, 5_000), tick_label(3e-5, 1e-5)
    ('0.25', '20k', '3e-5')
    """
    if value == 0:
        return "0"
    if abs(value) >= 1e4:
        factor, unit = next(pair for pair in _UNITS if abs(value) >= pair[0])
        return f"{value / factor:.{_decimals(step / factor)}f}{unit}"
    if step < 1e-3 and abs(value) < 0.1:
        return short(value, max(4, 2 + math.ceil(math.log10(abs(value) / step))))
    return f"{value:.{_decimals(step)}f}"


def short(value: float, digits: int = 4) -> str:
    """A number in a few characters.

    >>> short(0.123456), short(1_500_000.0), short(0.00001), short(81.0)
    ('0.1235', '1.5M', '1e-5', '81')
    """
    if not math.isfinite(value):
        return str(value)
    if value and abs(value) < 1e-3:
        mantissa, _, exponent = f"{value:.{digits - 2}e}".partition("e")
        plain = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{plain}e{int(exponent)}"
    for factor, unit in _UNITS:
        if abs(value) >= max(factor, 1e4):
            return f"{value / factor:.{digits}g}{unit}"
    return f"{value:.{digits}g}"


def _round_step(wanted: float) -> float:
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted * (1 - 1e-9))


def _decimals(step: float) -> int:
    return min(_DECIMALS, max(0, -math.floor(math.log10(step) + 1e-9)))


def _inside(value: float, low: float, high: float) -> bool:
    return low * (1 - 1e-9) <= value <= high * (1 + 1e-9)
