"""Draw a scene."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw
from jaxtyping import Bool, Float16, UInt8

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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A scene as it is seen.

    Attributes:
        image: a JPEG file.
        owners: for every pixel 1 or 2 for the first or second item, 0 for the ground.
        depth: for every pixel its distance, in metres.
    """

    image: bytes
    owners: UInt8[np.ndarray, "side side"]
    depth: Float16[np.ndarray, "side side"]


def draw(scene: Scene, rng: np.random.Generator) -> Drawn:
    """The scene; `rng` moves and tints it a little, and says how far away the items are."""
    image = PIL.Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), _tinted(GROUNDS[scene.ground], rng))
    owners = PIL.Image.new("L", image.size)
    along = rng.uniform((0.22, 0.70), (0.30, 0.78))
    across = rng.uniform(0.32, 0.68, size=2)
    for number, (item, main, other) in enumerate(
        zip((scene.first, scene.second), along, across, strict=True), start=1
    ):
        x, y = (main, other) if scene.relation == 0 else (other, main)
        radius = float(rng.uniform(*_RADIUS[item.size])) * _FINE
        place = (x * SIDE * _FINE, y * SIDE * _FINE, radius)
        _draw_item(PIL.ImageDraw.Draw(image), item, place, _tinted(COLOURS[item.colour], rng))
        _draw_item(PIL.ImageDraw.Draw(owners), item, place, number)
    encoded = io.BytesIO()
    image.reduce(_FINE).save(encoded, "JPEG", quality=90)
    owner = np.asarray(owners)[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE]
    return Drawn(encoded.getvalue(), owner, _depth(owner, rng))


def panoptic_png(owners: UInt8[np.ndarray, "side side"]) -> bytes:
    """The owners as COCO stores them: a PNG whose colours are ids, R + 256 G + 65536 B."""
    colours = np.array([panoptic_colour(owner) for owner in range(3)], np.uint8)
    encoded = io.BytesIO()
    PIL.Image.fromarray(colours[owners]).save(encoded, "PNG")
    return encoded.getvalue()


def panoptic_colour(owner: int) -> tuple[int, int, int]:
    """The colour of the first item (1), the second (2), or the ground (0)."""
    return (40 + 70 * owner, 90 * owner, 3)


def box(mask: Bool[np.ndarray, "side side"]) -> tuple[float, float, float, float]:
    """Top, left, bottom and right of what is set, as shares of the image."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (rows[0] / SIDE, columns[0] / SIDE, (rows[-1] + 1) / SIDE, (columns[-1] + 1) / SIDE)


def _depth(
    owners: UInt8[np.ndarray, "side side"], rng: np.random.Generator
) -> Float16[np.ndarray, "side side"]:
    """The ground comes nearer from 9 m at the top to 6 m at the bottom; items stand upright in front of it."""
    ground = np.linspace(9.0, 6.0, SIDE)[:, None]
    near = rng.uniform(1.5, 5.0, size=2)
    return np.where(owners == 1, near[0], np.where(owners == 2, near[1], ground)).astype(np.float16)


def _draw_item(
    pen: PIL.ImageDraw.ImageDraw,
    item: Item,
    place: tuple[float, float, float],
    paint: tuple[int, int, int] | int,
) -> None:
    x, y, radius = place
    shape = SHAPES[item.shape]
    around = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        pen.ellipse(around, fill=paint)
    elif shape == "ring":
        pen.ellipse(around, outline=paint, width=round(radius * 0.38))
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
