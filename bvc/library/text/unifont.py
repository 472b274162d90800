"""GNU Unifont's `.hex` files: one glyph of 16 rows per line, 8 or 16 pixels wide."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from bvc.component import DataError
from bvc.library.imaging.resample import Method, resample

SIDE = 16


@dataclass(frozen=True)
class Glyph:
    """Ink from 0 to 255, and the columns [begin, end) that hold any (both 0 where none does)."""

    ink: UInt8[np.ndarray, "side side"]
    begin: int
    end: int

    @staticmethod
    def of(ink: UInt8[np.ndarray, "side side"]) -> Glyph:
        """The glyph of these pixels."""
        columns = np.flatnonzero(ink.any(axis=0))
        return Glyph(ink, int(columns[0]), int(columns[-1]) + 1) if columns.size else Glyph(ink, 0, 0)

    def cell(self, spacing: int, min_width: int) -> tuple[int, int]:
        """First column and width of what is drawn.

        The ink, `spacing` on its left and a pixel less on its right as far as there is room, and at least `min_width`.
        """
        first = max(self.begin - spacing, 0)
        last = min(self.end + spacing - 1, len(self.ink)) if self.end else 0
        return first, max(last - first, min_width)


class Font:
    """Glyphs scaled to a height; each is scaled when it is first asked for."""

    def __init__(self, size: int, method: Method, *files: str) -> None:
        self.size = size
        self.method: Method = method
        self.full = _load(*files)
        self.scaled: dict[str, Glyph] = {}

    def glyph(self, character: str) -> Glyph:
        """The glyph of a character; blank where the font has none."""
        found = self.scaled.get(character)
        if found is None:
            full = self.full.get(character, np.zeros((SIDE, SIDE), bool)).astype(np.uint8) * np.uint8(255)
            ink = resample(full[..., None], self.size, self.size, self.method, False)[..., 0]
            found = self.scaled[character] = Glyph.of(ink)
        return found


@functools.lru_cache(maxsize=4)
def font(size: int, method: Method, *files: str) -> Font:
    """The font in files that each add to the ones before.

    Raises:
        DataError: a file cannot be read, or is no `.hex` font.
    """
    return Font(size, method, *files)


def _load(*files: str) -> dict[str, Bool[np.ndarray, "16 16"]]:
    found: dict[str, Bool[np.ndarray, "16 16"]] = {}
    for file in files:
        try:
            with open(file, encoding="ascii") as lines:
                for line in lines:
                    if line.strip():
                        code, _, pixels = line.strip().partition(":")
                        found[chr(int(code, 16))] = _pixels(pixels)
        except (OSError, ValueError) as error:
            raise DataError(f"a font that cannot be read: {error}", file) from error
    return found


def _pixels(code: str) -> Bool[np.ndarray, "16 16"]:
    rows = np.frombuffer(bytes.fromhex(code), np.uint8).reshape(SIDE, -1)
    bits = np.unpackbits(rows, axis=1).astype(bool)
    return np.pad(bits, ((0, 0), (0, SIDE - bits.shape[1])))
