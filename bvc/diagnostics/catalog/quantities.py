"""B0112-B0116, B0120-B0129: numbers out of their range, and quantities with units."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.diagnostics.diagnostic import Diagnostic
from bvc.diagnostics.place import Origin
from bvc.diagnostics.suggest import did_you_mean, listing


def too_small(setting: str, value: float, least: float, place: Origin) -> Diagnostic:
    """B0112: a number below what its setting allows."""
    return Diagnostic(
        "B0112",
        f"`{setting}` must be at least {least:g}, found {value:g}",
        place.mend,
        f"less than {least:g}",
        help=f"give a number of at least {least:g}; to switch something off, leave its key out",
        origin=place,
    )


def out_of_range(setting: str, value: float, low: float, high: float, place: Origin) -> Diagnostic:
    """B0113: a number outside of what its setting allows, or of what any setting does."""
    bound = f"at most {_grouped(high)}" if value > high else f"at least {_grouped(low)}"
    return Diagnostic(
        "B0113",
        f"`{setting}` must be {bound}, found {_grouped(value)}",
        place.mend,
        "too large" if value > high else "too small",
        help=f"give a number of {bound}",
        origin=place,
    )


def not_finite(setting: str, value: float, place: Origin) -> Diagnostic:
    """B0114: `inf` or `nan`."""
    return Diagnostic(
        "B0114",
        f"`{setting}` cannot be {value}",
        place.mend,
        "no finite number",
        help="give a finite number; to switch something off, leave its key out",
        origin=place,
    )


def too_long(place: Origin, most: int) -> Diagnostic:
    """B0115: a duration of more steps than are ever counted."""
    return Diagnostic(
        "B0115",
        "a duration of more steps than can be counted",
        place.mend,
        f"more than {most:_} steps",
        help="give a shorter duration; `%` is a part of `run.length`",
        origin=place,
    )


def no_interval(setting: str, place: Origin) -> Diagnostic:
    """B0116: something is to happen every 0 steps."""
    return Diagnostic(
        "B0116",
        f"`{setting}` must be above 0",
        place.mend,
        "no time at all",
        help=f'give a duration, such as `{setting} = "1_000 steps"`',
        origin=place,
    )


def no_unit(setting: str, value: object, place: Origin, accepted: Sequence[str]) -> Diagnostic:
    """B0120: a bare number where a quantity with a unit is needed."""
    return Diagnostic(
        "B0120",
        f"`{setting}` needs a unit",
        place.mend,
        "a number without a unit",
        notes=(f"accepted here: {listing(accepted)}",),
        help=f'did you mean `"{value} {accepted[0]}"`?',
        origin=place,
    )


def wrong_unit(setting: str, text: str, unit: str, place: Origin, accepted: Sequence[str]) -> Diagnostic:
    """B0121: a unit that does not fit."""
    number = text[: len(text) - len(unit)].strip()
    closest = did_you_mean(unit, accepted)
    return Diagnostic(
        "B0121",
        f"unit `{unit}` does not fit `{setting}`",
        place.mend,
        f"`{unit}` is no unit of `{setting}`",
        notes=(f"accepted here: {listing(accepted)}",),
        help=closest if closest else f'did you mean `"{number} {accepted[0]}"`?',
        origin=place,
    )


def bad_quantity(setting: str, text: str, place: Origin, example: str) -> Diagnostic:
    """B0122: a text that is no quantity."""
    return Diagnostic(
        "B0122",
        f'`{setting}` cannot be read from "{text}"',
        place.mend,
        "not a number with a unit",
        help=f'write a number and a unit: `"{example}"`',
        origin=place,
    )


def _grouped(value: float) -> str:
    return f"{value:_}" if isinstance(value, int) else f"{value:g}"
