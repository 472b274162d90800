"""COCO's panoptic annotations: a table of segments in JSON, and a PNG for each image that says where they are.

The colour of a pixel is the number of its segment, red + 256 green + 65536 blue; 0 is no segment
(https://cocodataset.org/#format-data).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from jaxtyping import Int, Int64

from bvc.component import DataError
from bvc.library.imaging.decode import decode_image

_PACK = np.array([1, 256, 65536])


@dataclass(frozen=True, slots=True)
class Category:
    """A class; `thing` if its instances are told apart."""

    id: int
    name: str
    thing: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of an image by its number in the map; `category` is its position among the categories."""

    id: int
    category: int
    crowd: bool


@dataclass(frozen=True)
class Annotations:
    """Panoptic annotations of a set of images.

    Attributes:
        file: the JSON file.
        maps: the folder or zip archive of the PNGs.
        categories: in the order of the file.
        images: number of an image -> its entry.
    """

    file: str
    maps: str
    categories: tuple[Category, ...]
    images: Mapping[int, Mapping[str, Any]]

    def truth(self, image: int) -> tuple[Int64[np.ndarray, "h w"], list[Segment]]:
        """The map of segment numbers of an image, and its segments.

        Raises:
            DataError: the image is not among the annotations, its map is missing, or the two do not fit together.
        """
        entry = self.images.get(image)
        if entry is None:
            raise DataError(
                f"image {image}, which is not annotated",
                self.file,
                "take the annotations of the split that is read",
            )
        place = {category.id: number for number, category in enumerate(self.categories)}
        segments: list[Segment] = []
        for told in entry["segments_info"]:
            if told["category_id"] not in place:
                raise DataError(
                    f"a segment of image {image} of an unknown category {told['category_id']}", self.file
                )
            segments.append(Segment(told["id"], place[told["category_id"]], bool(told.get("iscrowd", 0))))
        ids = decode_image(self._png(entry["file_name"]), 3).astype(np.int64) @ _PACK
        drawn, named = set(np.unique(ids).tolist()) - {0}, {segment.id for segment in segments}
        if drawn != named:
            raise DataError(
                f"the map of image {image} has segments {_some(drawn - named)} that are not annotated"
                if drawn - named
                else f"the map of image {image} lacks the segments {_some(named - drawn)}",
                self.maps,
                "annotations and maps must be of the same release",
            )
        return ids, segments

    def _png(self, name: str) -> bytes:
        path = Path(self.maps)
        try:
            if path.is_dir():
                return (path / name).read_bytes()
            with zipfile.ZipFile(path) as archive:
                inner = next((each for each in archive.namelist() if Path(each).name == name), None)
                if inner is None:
                    raise DataError(f"no map `{name}`", self.maps)
                return archive.read(inner)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"a map `{name}` that cannot be read: {error}", self.maps) from error


def read_annotations(file: str, maps: str) -> Annotations:
    """Read the table; maps are read when they are asked for.

    Raises:
        DataError: the file cannot be read, or is no panoptic annotation.
    """
    try:
        with open(file, encoding="utf-8") as opened:
            table = json.load(opened)
        categories = tuple(
            Category(each["id"], each["name"], bool(each["isthing"])) for each in table["categories"]
        )
        images = {each["image_id"]: each for each in table["annotations"]}
        complete = all({"file_name", "segments_info"} <= each.keys() for each in images.values())
    except (OSError, ValueError) as error:
        raise DataError(f"annotations that cannot be read: {error}", file) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("a file that holds no panoptic annotations", file, _FORMAT) from error
    if not complete or not categories:
        raise DataError("a file that holds no panoptic annotations", file, _FORMAT)
    return Annotations(file, maps, categories, images)


_FORMAT = "COCO's form has `categories` with `isthing`, and `annotations` with `image_id`, `file_name`, `segments_info`"


def write_predictions(
    predictions: Mapping[int, tuple[Int[np.ndarray, "h w"], Sequence[int]]], categories: Sequence[Category]
) -> dict[str, bytes]:
    """COCO's form of predictions, as the evaluation server takes it: file name -> content.

    Args:
        predictions: number of an image -> its map, whose entries count segments from 1 (0: none), and the position of
            the category of each segment.
        categories: as the annotations have them.
    """
    files: dict[str, bytes] = {}
    annotations: list[dict[str, Any]] = []
    for image, (segments, classes) in predictions.items():
        name = f"{image:012d}.png"
        packed = segments[..., None] // _PACK % 256
        held = io.BytesIO()
        PIL.Image.fromarray(packed.astype(np.uint8)).save(held, "PNG")
        files[f"predictions/{name}"] = held.getvalue()
        told = [{"id": i, "category_id": categories[place].id} for i, place in enumerate(classes, 1)]
        annotations.append({"image_id": image, "file_name": name, "segments_info": told})
    return {"predictions.json": json.dumps({"annotations": annotations}).encode(), **files}


def _some(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers)[:3]))
