"""ImageNet-1k as it is downloaded: one tar of images for validation, one tar of a tar for each class for training."""

from __future__ import annotations

import hashlib
import importlib.resources
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from bvc.component import DataError, Feature, Missing, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.component.split import parse_split
from bvc.library.records.files import located
from bvc.library.records.sliced import sliced

FILES = {"train": "ILSVRC2012_img_train.tar", "validation": "ILSVRC2012_img_val.tar"}


@component("source")
class ImagenetTars:
    """The tar files of ImageNet-1k (ILSVRC 2012), in the order of TFDS, so that `train[:99%]` are the same images.

    Nothing is extracted. Classes and the labels of the validation images are those of the lists in the package
    tensorflow-datasets. Images are as they were published: 22 of them are CMYK, one is a PNG (TFDS converts these).

    Settings:
        path: the folder of the tar files, relative to the data directory
    """

    def __init__(self, *, path: str = "downloads/manual") -> None:
        self.path = path

    def features(self) -> Features:
        """Those of TFDS' `imagenet2012`."""
        return {"image": Feature("bytes"), "label": Feature("int64"), "file_name": Feature("str")}

    def missing(self, split: str, root: str) -> Missing | None:
        """Tar files that are not there."""
        wanted = [located(self.path, root) / FILES.get(part.name, part.name) for part in parse_split(split)]
        absent = [str(path) for path in wanted if not path.is_file()]
        return Missing(f"tar files of ImageNet for `{split}`", tuple(absent)) if absent else None

    def open(self, split: str, root: str) -> Records:
        """The images of `split`.

        Raises:
            DataError: a tar file is damaged, or is not that of ImageNet.
        """
        folder = located(self.path, root)
        return sliced(split, lambda name: _index(folder, name), str(folder))


@dataclass(frozen=True)
class Members:
    """Images in a tar file: where each lies."""

    file: Path
    names: tuple[str, ...]
    labels: np.ndarray = field(repr=False)
    places: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        number = index.__index__()
        offset, size = self.places[number].tolist()
        with open(self.file, "rb") as file:
            file.seek(offset)
            image = file.read(size)
        if len(image) != size:
            raise DataError("a tar file that breaks off", self.describe(number))
        return {"image": image, "label": self.labels[number], "file_name": self.names[number]}

    def describe(self, index: int) -> str:
        """File and name of the image."""
        return f"`{self.names[index]}` in {self.file}"


def _index(folder: Path, split: str) -> Members:
    if split not in FILES:
        raise DataError(
            f"ImageNet's tars have no split `{split}`", str(folder), "take `train` or `validation`"
        )
    file = folder / FILES[split]
    try:
        found = list(_train(file) if split == "train" else _images(file))
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"a tar file that is damaged: {error}", str(file)) from error
    classes = {name: number for number, name in enumerate(_listed("labels.txt"))}
    # the order in which TFDS writes: by the digest of the split's name and the file's
    found.sort(key=lambda image: hashlib.md5(f"{split}{image[0]}".encode(), usedforsecurity=False).digest())
    names = tuple(name for name, _, _ in found)
    places = np.array([place for _, *place in found], np.int64).reshape(len(found), 2)
    try:
        if split == "train":
            labels = [classes[name.partition("_")[0]] for name in names]
        else:
            ordered = dict(zip(sorted(names), _listed("validation_labels.txt"), strict=False))
            labels = [classes[ordered[name]] for name in names]
    except KeyError as error:
        raise DataError(f"an image of no class of ImageNet: {error}", str(file)) from error
    return Members(file, names, np.array(labels, np.int64), places)


def _train(file: Path) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of every image in a tar of tars."""
    with tarfile.open(file, "r:") as outer:
        for member in outer:
            opened = outer.extractfile(member)
            if opened is None:
                continue
            with tarfile.open(fileobj=opened, mode="r:") as inner:
                for image in inner:
                    yield image.name, member.offset_data + image.offset_data, image.size


def _images(file: Path) -> Iterator[tuple[str, int, int]]:
    with tarfile.open(file, "r:") as tar:
        for image in tar:
            if image.isfile():
                yield image.name, image.offset_data, image.size


def _listed(name: str) -> list[str]:
    lists = importlib.resources.files("tensorflow_datasets") / "datasets" / "imagenet2012"
    return (lists / name).read_text(encoding="utf-8").split()
