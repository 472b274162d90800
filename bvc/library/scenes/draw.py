"""Draw a scene."""

from __future__ import annotations

import io
import math

import numpy as np
import PIL.Image
import PIL.ImageDraw

from bvc.library.scenes.scene import COLOURS, GROUNDS, SHAPES, Item, Scene

SIDE = 64
"""Height and width of a scene, in pixels."""

_FINE = 3
"""Every pixel is the mean of 3 x 3 drawn ones."""

_PAINT = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 90, 235),
    "yellow": (240, 220, 50),
    "purple": (150, 60, 190),
    "orange": (245, 140, 30),
    "cyan": (60, 210, 220),
    "white": (245, 245, 245),
    "black": (16, 16, 16),
    "gray": (125, 125, 125),
    "brown": (105, 65, 35),
    "pink": (240, 165, 190),
    "navy": (20, 30, 90),
    "olive": (110, 115, 45),
}
_RADIUS = ((7.0, 8.5), (11.5, 13.5))
_CORNERS = {"square": 4, "triangle": 3}


def draw(scene: Scene, rng: np.random.Generator) -> bytes:
    """The scene as a JPEG file; `rng` moves and tints it a little."""
    image = PIL.Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), _tinted(GROUNDS[scene.ground], rng))
    pen = PIL.ImageDraw.Draw(image)
    along = rng.uniform((0.22, 0.70), (0.30, 0.78))
    across = rng.uniform(0.32, 0.68, size=2)
    for item, main, other in zip((scene.first, scene.second), along, across, strict=True):
        x, y = (main, other) if scene.relation == 0 else (other, main)
        _draw_item(pen, item, x * SIDE * _FINE, y * SIDE * _FINE, rng)
    encoded = io.BytesIO()
    image.reduce(_FINE).save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def _draw_item(
    pen: PIL.ImageDraw.ImageDraw, item: Item, x: float, y: float, rng: np.random.Generator
) -> None:
    radius = float(rng.uniform(*_RADIUS[item.size])) * _FINE
    paint = _tinted(COLOURS[item.colour], rng)
    shape = SHAPES[item.shape]
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        pen.ellipse(box, fill=paint)
    elif shape == "ring":
        pen.ellipse(box, outline=paint, width=round(radius * 0.38))
    elif shape == "cross":
        arm = radius * 0.34
        pen.rectangle((x - radius, y - arm, x + radius, y + arm), fill=paint)
        pen.rectangle((x - arm, y - radius, x + arm, y + radius), fill=paint)
    elif shape == "star":
        pen.polygon(_corners(x, y, 10, (radius * 1.15, radius * 0.45), -90.0), fill=paint)
    else:
        count = _CORNERS[shape]
        pen.polygon(_corners(x, y, count, (radius * 1.15,), -90.0 + 180.0 / count * (count == 4)), fill=paint)


def _corners(
    x: float, y: float, count: int, radii: tuple[float, ...], start: float
) -> list[tuple[float, float]]:
    angles = [math.radians(start + 360.0 / count * i) for i in range(count)]
    return [
        (x + radii[i % len(radii)] * math.cos(angle), y + radii[i % len(radii)] * math.sin(angle))
        for i, angle in enumerate(angles)
    ]


def _tinted(name: str, rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (np.clip(np.array(_PAINT[name]) + rng.integers(-10, 11, size=3), 0, 255)).tolist()
    return red, green, blue
