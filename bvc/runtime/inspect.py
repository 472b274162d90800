"""Looking at data: what a split holds, and a sheet of examples after the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
from jaxtyping import Num, UInt8

from bvc.compile.pipeline_run import Pipeline
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.runtime.feed_batches import where

TILE = 128
"""Height and width of a picture on a sheet, in pixels."""
_GAP = 4


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen.

    Attributes:
        examples: examples in the split.
        features: of one example after the pipeline.
        names: the records on the sheet, row by row.
        sheet: their pictures; None where no feature is one.
    """

    examples: int
    features: Features
    names: Sequence[str]
    sheet: PIL.Image.Image | None


def look(records: Records, pipeline: Pipeline, *, rows: int = 4, columns: int = 8, seed: int = 0) -> Looked:
    """The first examples of a split after the pipeline, in a sheet of `rows` x `columns`.

    Raises:
        DataError: an example cannot be used.
    """
    count = min(rows * columns, len(records))
    made = [pipeline.apply(records[number], seed, 0, number) for number in range(count)]
    name = next((name for name, feature in pipeline.outputs.items() if _is_picture(feature.shape)), None)
    pictures = [] if name is None else [picture(example[name]) for example in made]
    names = [where(records, number) for number in range(count)]
    return Looked(len(records), pipeline.outputs, names, sheet(pictures, columns) if pictures else None)


def sheet(pictures: Sequence[UInt8[np.ndarray, "h w 3"]], columns: int) -> PIL.Image.Image:
    """Pictures side by side, each scaled into a square of `TILE` pixels."""
    rows = -(-len(pictures) // columns)
    side = TILE + _GAP
    canvas = PIL.Image.new("RGB", (columns * side + _GAP, rows * side + _GAP), (255, 255, 255))
    for number, pixels in enumerate(pictures):
        tile = PIL.Image.fromarray(pixels)
        share = TILE / max(tile.size)
        size = (max(1, round(tile.width * share)), max(1, round(tile.height * share)))
        row, column = divmod(number, columns)
        canvas.paste(tile.resize(size), (_GAP + column * side, _GAP + row * side))
    return canvas


def picture(values: Num[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    """Values of any range as a picture: bytes as they are, all else stretched from its least to its most."""
    if values.dtype != np.uint8:
        wide = values.astype(np.float32)
        low, high = float(wide.min()), float(wide.max())
        values = ((wide - low) * (255.0 / (high - low) if high > low else 0.0)).astype(np.uint8)
    return (
        np.repeat(values[..., :1], 3, axis=2)
        if values.shape[-1] < 3
        else np.ascontiguousarray(values[..., :3])
    )


def describe(looked: Looked) -> Mapping[str, str]:
    """Feature -> type, as text."""
    return {name: str(feature) for name, feature in looked.features.items()}


def _is_picture(shape: tuple[int | str, ...]) -> bool:
    return len(shape) == 3 and shape[-1] in (1, 2, 3, 4)
