"""Write the scenes into a TFDS dataset, once, whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bvc.library.scenes.caption import captions
from bvc.library.scenes.draw import SIDE, Drawn, box, draw, panoptic_colour, panoptic_png
from bvc.library.scenes.scene import SHAPES, TEST, TRAIN, Scene, scenes

NAME = "shapes"
VERSION = "3.0.0"


def folder(root: str) -> Path:
    """Where the dataset lies below the data directory."""
    return Path(root, NAME, VERSION)


def is_written(root: str) -> bool:
    """Whether the whole dataset is there."""
    return (folder(root) / "dataset_info.json").is_file()


def write(root: str, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the dataset unless it is there.

    It is written aside and renamed when it is complete, so that a process that dies leaves nothing that looks
    like a dataset; of several processes one writes and the others wait.

    Args:
        root: the data directory.
        progress: told (scenes written, scenes in all) now and then.

    Raises:
        OSError: the folder cannot be written.
    """
    Path(root).mkdir(parents=True, exist_ok=True)
    with open(Path(root, f".{NAME}.lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_written(root):
            return
        for left in Path(root).glob(f".{NAME}-unfinished-*"):
            shutil.rmtree(left, ignore_errors=True)
        aside = tempfile.mkdtemp(prefix=f".{NAME}-unfinished-", dir=root)
        try:
            _build(aside, progress or (lambda done, total: None))
            target = folder(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(Path(aside, NAME, VERSION), target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _build(root: str, progress: Callable[[int, int], None]) -> None:
    import tensorflow_datasets as tfds

    class Shapes(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """Generated scenes of two coloured shapes."""

        VERSION = tfds.core.Version(VERSION)
        name = NAME
        url_infos: dict[str, Any] = {}  # nothing is downloaded, so there is no file of checksums to look for

        def _info(self) -> tfds.core.DatasetInfo:
            features = {
                "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg"),
                "image/id": np.int64,
                "label": np.int64,
                "attributes": tfds.features.Tensor(shape=(8,), dtype=np.int64),
                "captions": tfds.features.Sequence({"text": tfds.features.Text(), "id": np.int64}),
                "objects": tfds.features.Sequence({"bbox": tfds.features.BBoxFeature(), "label": np.int64}),
                "panoptic_image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                "panoptic_objects": tfds.features.Sequence({"id": np.int64, "label": np.int64}),
                "depth": tfds.features.Tensor(shape=(SIDE, SIDE), dtype=np.float16, encoding="zlib"),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
            return {split: self._generate_examples(split) for split in ("train", "test")}

        def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
            for number, scene, rng in scenes(split):
                first = number + (TRAIN if split == "test" else 0)
                yield number, _example(first, scene, draw(scene, rng))
                if number % 64 == 63:
                    progress(first + 1, TRAIN + TEST)

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        Shapes(data_dir=root, file_format="array_record").download_and_prepare()


def _example(number: int, scene: Scene, drawn: Drawn) -> dict[str, Any]:
    """A scene as TFDS stores it: captions and objects as in COCO, depth as in NYU Depth v2."""
    items = (scene.first.shape, scene.second.shape)
    ids = [int(np.dot(panoptic_colour(owner), (1, 256, 65536))) for owner in (1, 2, 0)]
    return {
        "image": io.BytesIO(drawn.image),
        "image/id": number,
        "label": scene.first.colour,
        "attributes": scene.attributes,
        "captions": [{"text": text, "id": number * 5 + i} for i, text in enumerate(captions(scene))],
        "objects": [
            {"bbox": _box(drawn.owners == owner), "label": label}
            for owner, label in enumerate(items, start=1)
        ],
        "panoptic_image": io.BytesIO(panoptic_png(drawn.owners)),
        "panoptic_objects": [
            {"id": id_, "label": label}
            for id_, label in zip(ids, (*items, len(SHAPES) + scene.ground), strict=True)
        ],
        "depth": drawn.depth,
    }


def _box(mask: np.ndarray) -> Any:
    import tensorflow_datasets as tfds

    return tfds.features.BBox(*box(mask))
