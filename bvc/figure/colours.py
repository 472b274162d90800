"""Colours, in light and in dark: of series, apart for colour-blind eyes too (after Okabe and Ito), and of parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as `#rrggbb`; `series` and `parts` begin again where they end."""

    paper: str
    panel: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]
    parts: tuple[str, ...]


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        paper="#ffffff",
        panel="#f6f7f9",
        ink="#1b1f24",
        muted="#5a636e",
        grid="#d9dde3",
        series=("#0072b2", "#d55e00", "#008763", "#b8478c", "#c98a00", "#2f9fd8", "#6f4fb0", "#555555"),
        parts=("#2f6fae", "#e08a3c", "#3f9b78", "#c46aa4", "#b8a21e", "#5ab4e0", "#8d74c6", "#8a8f96"),
    ),
    "dark": Palette(
        paper="#14171b",
        panel="#1c2127",
        ink="#e8ebee",
        muted="#9ba5b0",
        grid="#2c333b",
        series=("#56b4e9", "#ff8a4c", "#35c9a0", "#e79bc8", "#f0c04a", "#9ad3f5", "#b49be0", "#c8c8c8"),
        parts=("#4c8dcc", "#d98a48", "#4aa985", "#bd76a3", "#b5a53f", "#68b3d6", "#8f7bbf", "#7d848c"),
    ),
}
COLOURS = len(PALETTES["light"].series)

_NUMBERED = re.compile(r"(series|area|part)(\d+)")


def numbered(role: str) -> tuple[str, int] | None:
    """The kind and the number of a role that has its own colour: `series`, `area` or `part`."""
    found = _NUMBERED.fullmatch(role)
    return (found[1], int(found[2])) if found else None


def colour(role: str, palette: Palette) -> str:
    """The colour of a role."""
    own = numbered(role)
    if own is not None:
        colours = palette.parts if own[0] == "part" else palette.series
        return colours[own[1] % len(colours)]
    fixed = {"title": palette.ink, "name": palette.ink, "grid": palette.grid, "onpart": palette.paper}
    return fixed.get(role, palette.muted)
