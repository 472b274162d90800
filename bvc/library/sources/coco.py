"""COCO as it is downloaded: folders of images, and annotations in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from bvc.component import DataError, Feature, Missing, SettingError, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.component.split import parse_split
from bvc.library.coco.tables import Images, Rows, read_captions, read_images, read_instances, read_panoptic
from bvc.library.records.files import identified, located, read_below
from bvc.library.records.sliced import sliced

_OBJECTS = {"id": "int64", "label": "int64", "is_crowd": "bool"}


@component("source")
class Coco:
    """COCO's own files, or data in its form: captions, instances and panoptic segments of the same images.

    The features are named as TFDS names them and images ordered by their id. In every path `{split}` stands for the
    name of the split: `coco/annotations/captions_{split}2017.json`. An image that has no caption is an error.

    Settings:
        images: the folder of the images; like all paths relative to the data directory
        captions: the captions
        instances: objects with boxes
        panoptic: panoptic segments
        panoptic_images: the folder of the panoptic PNG files
    """

    def __init__(
        self,
        *,
        images: str,
        captions: str | None = None,
        instances: str | None = None,
        panoptic: str | None = None,
        panoptic_images: str | None = None,
    ) -> None:
        self.images = images
        self.annotations = {
            name: path
            for name, path in (("captions", captions), ("instances", instances), ("panoptic", panoptic))
            if path is not None
        }
        self.panoptic_images = panoptic_images
        if not self.annotations:
            raise SettingError(
                "captions", "is missing, and all other annotations too", "name at least one file"
            )
        if (panoptic is None) != (panoptic_images is None):
            raise SettingError("panoptic_images", "and `panoptic` belong together: give both, or none")

    def features(self) -> Features:
        """Those of the images, and of the annotations that are named."""
        found = {"image": Feature("bytes"), "image/filename": Feature("str"), "image/id": Feature("int64")}
        if "captions" in self.annotations:
            found |= {"captions/id": Feature("int64", ("n",)), "captions/text": Feature("str", ("n",))}
        if "instances" in self.annotations:
            found |= _of_objects("objects", "m", "float32")
        if "panoptic" in self.annotations:
            found |= {"panoptic_image": Feature("bytes"), "panoptic_image/filename": Feature("str")}
            found |= _of_objects("panoptic_objects", "k", "int64")
        return found

    def missing(self, split: str, root: str) -> Missing | None:
        """Files and folders that are not there."""
        folders = [self.images] + ([] if self.panoptic_images is None else [self.panoptic_images])
        absent: list[str] = []
        for part in parse_split(split):
            places = [(path, Path.is_dir) for path in folders]
            places += [(path, Path.is_file) for path in self.annotations.values()]
            absent += [str(at) for path, there in places if not there(at := _at(path, part.name, root))]
        return Missing(f"COCO files for `{split}`", tuple(dict.fromkeys(absent))) if absent else None

    def open(self, split: str, root: str) -> Records:
        """The images of `split` with their annotations.

        Raises:
            DataError: annotations cannot be read, or do not fit together.
        """
        return sliced(split, lambda name: self._open(name, root), self.images)

    def _open(self, split: str, root: str) -> Annotated:
        files = {name: str(_at(path, split, root)) for name, path in self.annotations.items()}
        maps = None if self.panoptic_images is None else _at(self.panoptic_images, split, root)
        return Annotated(
            _at(self.images, split, root),
            maps,
            tuple(files.values()),
            read_images(next(iter(files.values()))),
            read_captions(files["captions"]) if "captions" in files else None,
            read_instances(files["instances"]) if "instances" in files else None,
            read_panoptic(files["panoptic"]) if "panoptic" in files else None,
        )


@dataclass(frozen=True)
class Annotated:
    """Images of one split with what is known of them; of `wanted` features, or of all."""

    folder: Path
    maps: Path | None
    files: tuple[str, ...]
    images: Images
    captions: Rows | None
    instances: Rows | None
    panoptic: Rows | None
    wanted: frozenset[str] | None = None

    def __len__(self) -> int:
        return len(self.images.names)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        image, name = int(self.images.ids[number]), self.images.names[number]
        found: dict[str, Any] = {"image/filename": name, "image/id": np.asarray(image, np.int64)}
        if self._wants("image"):
            found["image"] = read_below(self.folder, name)
        if self.captions is not None and (self._wants("captions/text") or self._wants("captions/id")):
            rows = self.captions.of(image)
            if rows.start == rows.stop:
                raise DataError(f"an image without captions in {self.captions.file}", self.describe(number))
            found["captions/id"] = self.captions.columns["id"][rows]
            found["captions/text"] = list(self.captions.texts[rows])
        if self.instances is not None:
            found |= _in(self.instances, image, "objects")
        if self.panoptic is not None:
            found |= self._panoptic(self.panoptic, image, number)
        return {key: value for key, value in found.items() if self._wants(key)}

    def only(self, names: frozenset[str]) -> Annotated:
        """The same images with these features alone."""
        return replace(self, wanted=names)

    def describe(self, index: int) -> str:
        """The image's path."""
        return str(self.folder / self.images.names[index])

    def fingerprint(self) -> str:
        """Annotations by name, size and time of change, and where the images lie."""
        return identified(str(self.folder), str(self.maps), files=self.files)

    def _wants(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted

    def _panoptic(self, rows: Rows, image: int, number: int) -> dict[str, Any]:
        name = (rows.maps or {}).get(image)
        if name is None:
            raise DataError(f"an image without panoptic segments in {rows.file}", self.describe(number))
        found = {**_in(rows, image, "panoptic_objects"), "panoptic_image/filename": name}
        if self.maps is not None and self._wants("panoptic_image"):
            found["panoptic_image"] = read_below(self.maps, name)
        return found


def _in(rows: Rows, image: int, prefix: str) -> dict[str, Any]:
    return {f"{prefix}/{name}": column[rows.of(image)] for name, column in rows.columns.items()}


def _of_objects(prefix: str, dim: str, area: str) -> dict[str, Feature]:
    found = {f"{prefix}/{name}": Feature(dtype, (dim,)) for name, dtype in _OBJECTS.items()}
    return {**found, f"{prefix}/bbox": Feature("float32", (dim, 4)), f"{prefix}/area": Feature(area, (dim,))}


def _at(path: str, split: str, root: str) -> Path:
    return located(path.replace("{split}", split), root)
