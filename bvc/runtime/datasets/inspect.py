"""Looking at data: what its features hold, and a sheet of examples."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
from jaxtyping import Num, UInt8

from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.runtime.feed.batches import where

TILE = 128
"""Height and width of a picture on a sheet, in pixels."""
GAP = 4
LINE = 12
"""Height of a line of text below the pictures, in pixels."""
_LINES, _LETTERS = 2, 21
_USUAL = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))

Example = Mapping[str, Any]
Pixels = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen.

    Attributes:
        examples: examples in the split.
        features: of one example.
        seen: feature -> what its values are like in the examples of the sheet.
        names: the records on the sheet, row by row.
        sheet: their pictures; None where no feature is one.
    """

    examples: int
    features: Features
    seen: Mapping[str, str]
    names: Sequence[str]
    sheet: PIL.Image.Image | None


def look(
    records: Records,
    features: Features,
    make: Callable[[int], Example],
    *,
    rows: int = 4,
    columns: int = 8,
) -> Looked:
    """Examples from all over a split, in a sheet of `rows` x `columns`.

    Args:
        records: the split.
        features: features of an example that is made.
        make: an example by its number: raw, or after a pipeline.
        rows: of the sheet.
        columns: of the sheet.

    Raises:
        DataError: an example cannot be used.
    """
    count = min(rows * columns, len(records))
    numbers = [place * len(records) // count for place in range(count)]
    made = [make(number) for number in numbers]
    limits = {name: value_range([example[name] for example in made]) for name in features if made}
    cells = [
        (pictures(example, limits), caption(example) or caption(records[number]))
        for number, example in zip(numbers, made, strict=True)
    ]
    seen = {name: describe([example[name] for example in made]) if made else "" for name in features}
    shown = sheet(cells, columns) if any(each for each, _ in cells) else None
    return Looked(len(records), features, seen, [where(records, number) for number in numbers], shown)


def pictures(example: Example, limits: Mapping[str, tuple[float, float]]) -> list[Pixels]:
    """Every feature of an example that is a picture, encoded or as an array; `limits` are black and white of each."""
    found: list[Pixels] = []
    for name, value in example.items():
        if isinstance(value, bytes):
            decoded = _decoded(value)
            found += [] if decoded is None else [decoded]
        elif _is_picture(value) and name in limits:
            found.append(picture(value, limits[name]))
    return found


def value_range(values: Sequence[Any]) -> tuple[float, float]:
    """What is black and what is white: the usual range that holds all values of a feature, else the range they have."""
    arrays = [value for value in values if _is_picture(value)]
    if not arrays:
        return 0.0, 1.0
    low, high = min(float(array.min()) for array in arrays), max(float(array.max()) for array in arrays)
    usual = _USUAL if all(array.dtype.kind == "f" for array in arrays) else ()
    return next((each for each in usual if each[0] <= low and high <= each[1]), (low, high))


def caption(example: Example) -> str:
    """Texts, and the names of whole numbers: what is written below a picture."""
    words: list[str] = []
    for name, value in example.items():
        if isinstance(value, str) or (isinstance(value, list) and value and isinstance(value[0], str)):
            words.append(value if isinstance(value, str) else value[0])
        elif isinstance(value, np.ndarray | np.generic):
            array = np.asarray(value)
            if not array.shape and array.dtype.kind in "iu":
                words.append(f"{name} {int(array)}")
            elif _is_onehot(array):
                words.append(f"{name} {int(array.argmax())}")
    return "  ".join(words)


def sheet(cells: Sequence[tuple[Sequence[Pixels], str]], columns: int) -> PIL.Image.Image:
    """Cells in rows: the pictures of an example below each other, each in a square of `TILE` pixels, then its text."""
    rows = -(-len(cells) // columns)
    deep = max(len(tiles) for tiles, _ in cells)
    text = _LINES * LINE if any(words for _, words in cells) else 0
    width, height = TILE + GAP, deep * (TILE + GAP) + text
    canvas = PIL.Image.new("RGB", (columns * width + GAP, rows * height + GAP), (255, 255, 255))
    pen = PIL.ImageDraw.Draw(canvas)
    for number, (tiles, words) in enumerate(cells):
        row, column = divmod(number, columns)
        left, top = GAP + column * width, GAP + row * height
        for at, pixels in enumerate(tiles):
            canvas.paste(_tile(pixels), (left, top + at * (TILE + GAP)))
        for at, line in enumerate(textwrap.wrap(words, _LETTERS)[:_LINES]):
            pen.text((left, top + deep * (TILE + GAP) - 2 + at * LINE), line, fill=(0, 0, 0))
    return canvas


def picture(values: Num[np.ndarray, "h w c"], limits: tuple[float, float]) -> Pixels:
    """Values as pixels, from black at the first of `limits` to white at the second."""
    if values.dtype != np.uint8:
        low, high = limits
        share = (values.astype(np.float32) - low) / (high - low if high > low else 1.0)
        values = (share * 255.0).round().clip(0, 255).astype(np.uint8)
    return (
        np.repeat(values[..., :1], 3, axis=2)
        if values.shape[-1] < 3
        else np.ascontiguousarray(values[..., :3])
    )


def describe(values: Sequence[Any]) -> str:
    """What the values of a feature are like: a range of numbers, of sizes, of lengths."""
    first = values[0]
    if isinstance(first, bytes):
        return f"{_range([len(value) for value in values])} bytes{_kinds(values)}"
    if isinstance(first, str):
        return f"{_range([len(value) for value in values])} letters"
    if any(isinstance(value, list) for value in values):
        return f"{_range([len(value) for value in values])} in one example"
    arrays = [np.asarray(value) for value in values]
    filled = [array for array in arrays if array.size]
    if not filled:
        return "empty"
    numbers = _range([array.min().item() for array in filled] + [array.max().item() for array in filled])
    shapes = sorted({array.shape for array in arrays})
    return f"{numbers}, sizes {_shape(shapes[0])} .. {_shape(shapes[-1])}" if len(shapes) > 1 else numbers


def _range(numbers: Sequence[float]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:.6g}" if low == high else f"{low:.6g} .. {high:.6g}"


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _kinds(values: Sequence[bytes]) -> str:
    """What encoded images say of themselves: formats and sizes."""
    formats: set[str] = set()
    sizes: list[tuple[int, int]] = []
    for value in values:
        opened = _opened(value)
        if opened is not None:
            formats.add(opened.format or "")
            sizes.append((opened.height, opened.width))
    if not sizes:
        return ""
    low, high = (tuple(choose(side) for side in zip(*sizes, strict=True)) for choose in (min, max))
    between = _shape(low) if low == high else f"{_shape(low)} .. {_shape(high)}"
    return f", {'/'.join(sorted(formats))} of {between} pixels"


def _opened(data: bytes) -> PIL.Image.Image | None:
    try:
        return PIL.Image.open(io.BytesIO(data))
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None


def _decoded(data: bytes) -> Pixels | None:
    opened = _opened(data)
    if opened is None:
        return None
    try:
        opened.draft("RGB", (TILE, TILE))
        return np.asarray(opened.convert("RGB"))
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None


def _tile(pixels: Pixels) -> PIL.Image.Image:
    tile = PIL.Image.fromarray(pixels)
    share = TILE / max(tile.size)
    return tile.resize((max(1, round(tile.width * share)), max(1, round(tile.height * share))))


def _is_picture(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.ndim == 3
        and value.shape[-1] in (1, 2, 3, 4)
        and value.size > 0
    )


def _is_onehot(value: np.ndarray) -> bool:
    return value.ndim == 1 and value.size > 1 and bool((np.sort(value)[-2:] == (0, 1)).all())
