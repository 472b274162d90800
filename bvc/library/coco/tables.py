"""COCO's annotation files as columns, by image: what a source reads examples from (https://cocodataset.org/#format-data).

A file holds `images`, `annotations` and, but for captions, `categories`. Labels are positions among the categories, as
TFDS numbers them; boxes are top, left, bottom, right as shares of the image.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped

from bvc.component import DataError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Images:
    """The images of a file, by their number: ids and names of files in the same order."""

    ids: Int64[np.ndarray, "n"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """Annotations in columns, those of one image together.

    Attributes:
        file: where they come from.
        starts: image id -> the first of its rows and one past the last.
        columns: name -> a value for each row.
        texts: of captions, the text of each row.
        maps: of panoptic annotations, image id -> name of its PNG.
    """

    file: str
    starts: Mapping[int, tuple[int, int]]
    columns: Mapping[str, Shaped[np.ndarray, "rows ..."]]
    texts: tuple[str, ...] = ()
    maps: Mapping[int, str] | None = None

    def of(self, image: int) -> slice:
        """The rows of an image; none where it has no annotation."""
        return slice(*self.starts.get(image, (0, 0)))


def read_images(file: str) -> Images:
    """The images of a file.

    Raises:
        DataError: it cannot be read, or holds no images.
    """
    return _read(_images, file)


def read_captions(file: str) -> Rows:
    """Captions: `id` and the text. Raises `DataError`: they cannot be read."""
    return _read(_captions, file)


def read_instances(file: str) -> Rows:
    """Objects: `id`, `label`, `bbox`, `area`, `is_crowd`. Raises `DataError`: they cannot be read."""
    return _read(_instances, file)


def read_panoptic(file: str) -> Rows:
    """Segments, in columns like objects, and the maps. Raises `DataError`: they cannot be read."""
    return _read(_panoptic, file)


def _read(make: Callable[[str, Row], Any], file: str) -> Any:
    try:
        state = os.stat(file)
        return _columns(make, file, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError) as error:
        raise DataError(f"annotations that cannot be read: {error}", file) from error
    except (KeyError, TypeError, AttributeError) as error:
        told = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        help = "COCO's form has `images`, `annotations` and `categories`"
        raise DataError(f"a file that does not hold COCO's annotations: {told}", file, help) from error


@functools.lru_cache(maxsize=16)
def _columns(make: Callable[[str, Row], Any], file: str, size: int, changed: int) -> Any:
    """Columns are small and kept; the file, which is not, is read again when it changes."""
    with open(file, encoding="utf-8") as opened:
        return make(file, json.load(opened))


def _images(file: str, table: Row) -> Images:
    found = sorted((int(each["id"]), str(each["file_name"])) for each in table["images"])
    if not found:
        raise DataError("annotations without images", file)
    return Images(np.array([number for number, _ in found], np.int64), tuple(name for _, name in found))


def _captions(file: str, table: Row) -> Rows:
    rows = sorted(table["annotations"], key=lambda each: (each["image_id"], each["id"]))
    columns = {"id": np.array([each["id"] for each in rows], np.int64)}
    return Rows(file, _starts(rows), columns, tuple(str(each["caption"]) for each in rows))


def _instances(file: str, table: Row) -> Rows:
    rows = sorted(table["annotations"], key=lambda each: (each["image_id"], each["id"]))
    columns = _objects(file, table, rows)
    return Rows(file, _starts(rows), {**columns, "area": np.array([row["area"] for row in rows], np.float32)})


def _panoptic(file: str, table: Row) -> Rows:
    entries = sorted(table["annotations"], key=lambda each: each["image_id"])
    rows = [{**part, "image_id": each["image_id"]} for each in entries for part in each["segments_info"]]
    columns = _objects(file, table, rows)
    area = {"area": np.array([row["area"] for row in rows], np.int64)}
    maps = {int(each["image_id"]): str(each["file_name"]) for each in entries}
    return Rows(file, _starts(rows), {**columns, **area}, maps=maps)


def _objects(file: str, table: Row, rows: Sequence[Row]) -> dict[str, np.ndarray]:
    labels = {each["id"]: number for number, each in enumerate(table["categories"])}
    sizes = {each["id"]: (each["height"], each["width"]) for each in table["images"]}
    for row in rows:
        if row["category_id"] not in labels:
            raise DataError(f"object {row['id']} of the unknown category {row['category_id']}", file)
        if row["image_id"] not in sizes:
            raise DataError(f"object {row['id']} of the unknown image {row['image_id']}", file)
    boxes = np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4)  # left, top, width, height
    high, wide = np.array([sizes[row["image_id"]] for row in rows], np.float64).reshape(-1, 2).T
    left, top, width, height = boxes.T
    shares = np.stack([top / high, left / wide, (top + height) / high, (left + width) / wide], axis=1)
    return {
        "id": np.array([row["id"] for row in rows], np.int64),
        "label": np.array([labels[row["category_id"]] for row in rows], np.int64),
        "bbox": shares.astype(np.float32),
        "is_crowd": np.array([bool(row["iscrowd"]) for row in rows], np.bool_),
    }


def _starts(rows: Sequence[Row]) -> dict[int, tuple[int, int]]:
    """Where the rows of each image begin and end; they are sorted by it."""
    images, first, counts = np.unique(
        [row["image_id"] for row in rows], return_index=True, return_counts=True
    )
    return {
        int(image): (int(at), int(at + count)) for image, at, count in zip(images, first, counts, strict=True)
    }
