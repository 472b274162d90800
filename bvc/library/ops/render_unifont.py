"""Render a text as an image."""

from __future__ import annotations

import itertools
from typing import Annotated

import numpy as np
from jaxtyping import UInt8

from bvc.component import InputFile, Text, component
from bvc.component.annotation import AtLeast, Count
from bvc.library.imaging.resample import Method
from bvc.library.text import unifont
from bvc.library.text.ascii import lowered

Level = Annotated[int, AtLeast(0)]


@component("op", writes="image")
class RenderUnifont:
    """Render a text in GNU Unifont, wrapped into a square (CLIPPO, arXiv:2212.08045; big_vision, clippo/pp_ops.py).

    Lines break between characters, where the text so far reaches the next multiple of the square's side less the
    widest character. What does not fit is cut off; a character without a glyph is blank.

    Settings:
        image_size: side of the square, in pixels
        font: file with the glyphs of the basic plane, in Unifont's `.hex` format
        upper: file with the glyphs of the upper planes
        font_size: height of a line, in pixels
        max_chars: characters that are read
        background_brightness: of the ground, 0 to 255
        text_brightness: of the text, 0 to 255
        lower: lowercase ASCII letters before
        monospace: make every character as wide as high
        spacing: pixels between characters
        min_width: least width of a character, in pixels
        resize_method: how glyphs are scaled where `font_size` is not 16
    """

    def __init__(
        self,
        image_size: Count,
        font: InputFile,
        upper: InputFile,
        font_size: Count = 16,
        max_chars: Count = 768,
        background_brightness: Level = 127,
        text_brightness: Level = 0,
        lower: bool = True,
        monospace: bool = False,
        spacing: Count = 1,
        min_width: Count = 4,
        resize_method: Method = "area",
    ) -> None:
        self.image_size = image_size
        self.files = (font, upper)
        self.font_size = font_size
        self.max_chars = max_chars
        self.ground, self.text = background_brightness, text_brightness
        self.lower = lower
        self.monospace = monospace
        self.spacing, self.min_width = spacing, min_width
        self.method: Method = resize_method

    def __call__(self, texts: Text) -> UInt8[np.ndarray, "{self.image_size} {self.image_size} 3"]:
        """The image; its channels are equal."""
        font = unifont.font(self.font_size, self.method, *self.files)
        text = (lowered(texts) if self.lower else texts)[: self.max_chars]
        glyphs = [font.glyph(character) for character in text]
        cells = [
            (0, self.font_size) if self.monospace else each.cell(self.spacing, self.min_width)
            for each in glyphs
        ]
        ends = list(itertools.accumulate(width for _, width in cells))
        room = max(self.image_size - max((width for _, width in cells), default=0), 1)
        ink = np.zeros((self.image_size, self.image_size), np.uint8)
        line, begin = 0, 0
        for glyph, (first, width), end in zip(glyphs, cells, ends, strict=True):
            if end // room != line:
                line, begin = end // room, end - width
            _draw(ink, glyph.ink[:, first : first + width], line * self.font_size, end - width - begin)
        share = ink.astype(np.float32) / np.float32(255)
        image = np.float32(self.ground) + (np.float32(self.text) - np.float32(self.ground)) * share
        return np.repeat(image.astype(np.uint8)[..., None], 3, axis=2)


def _draw(ink: np.ndarray, glyph: np.ndarray, top: int, left: int) -> None:
    window = ink[top : top + glyph.shape[0], left : left + glyph.shape[1]]
    window[:] = glyph[: window.shape[0], : window.shape[1]]
