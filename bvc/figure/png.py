"""A drawing as PNG, for papers and messages: the marks of the SVG, drawn by Pillow."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw, ImageFont

from bvc.figure.colours import PALETTES, Palette, Theme, colour, numbered
from bvc.figure.marks import SIZES, Box, Dot, Drawing, Line, Text

_SCALE = 2
"""Pixels of the file for one of the drawing."""
_FINER = 2
"""It is drawn so much larger and then reduced: Pillow's lines have no soft edges."""
_AREA = 0.55
"""How much of its colour an area has; as in the page."""
_WIDTHS = {"series": 1.8, "area": 4.0, "grid": 1.0, "axis": 1.0, "level": 1.2}


def png(drawing: Drawing, theme: Theme = "light") -> bytes:
    """The bytes of a PNG file, twice as many pixels along each side as the drawing has."""
    palette, scale = PALETTES[theme], _SCALE * _FINER
    size = (math.ceil(drawing.width * _SCALE), math.ceil(drawing.height * _SCALE))
    image = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), palette.paper)
    pencil = ImageDraw.Draw(image)
    for mark in drawing.marks:
        ink = _ink(mark.role, palette)
        if isinstance(mark, Text):
            font = ImageFont.load_default(SIZES[mark.role] * scale)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[mark.anchor]
            pencil.text((mark.x * scale, mark.y * scale), mark.text, ink, font, anchor)
        elif isinstance(mark, Box):
            corner = ((mark.x + mark.width) * scale - 1, (mark.y + mark.height) * scale - 1)
            pencil.rectangle((mark.x * scale, mark.y * scale, *corner), ink)
        elif isinstance(mark, Dot):
            pencil.circle((mark.x * scale, mark.y * scale), mark.radius * scale, ink)
        else:
            _line(pencil, mark, ink, scale)
    file = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(file, "png", optimize=True)
    return file.getvalue()


def _line(pencil: ImageDraw.ImageDraw, mark: Line, ink: str, scale: int) -> None:
    points = [(x * scale, y * scale) for x, y in mark.points]
    if mark.closed:
        pencil.polygon(points, ink)
        return
    own = numbered(mark.role)
    width = _WIDTHS.get(own[0] if own else mark.role, 1.0)
    pencil.line(points, ink, round(width * scale), "curve")


def _ink(role: str, palette: Palette) -> str:
    wanted, own = colour(role, palette), numbered(role)
    if role == "shade":
        return palette.panel
    return _mixed(wanted, palette.paper, _AREA) if own and own[0] == "area" else wanted


def _mixed(front: str, back: str, part: float) -> str:
    pairs = zip(bytes.fromhex(front[1:]), bytes.fromhex(back[1:]), strict=True)
    return "#" + bytes(round(part * a + (1 - part) * b) for a, b in pairs).hex()
