"""Panoptic quality against COCO's annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypedDict

import numpy as np
from jaxtyping import Array, Bool, Float64, Int, Int64, Shaped

from bvc.component import Data, DataError, InputFile, Pipeline, Stream, View, component
from bvc.library.coco.panoptic import Annotations, Segment, read_annotations, write_predictions
from bvc.library.imaging.resample import nearest_index


class Arrays(TypedDict):
    """The predicted maps of each image, and its number."""

    semantics: Int[Array, "b h w"]
    instances: Int[Array, "b h w"]
    image_id: Int[Array, "b"]


Segments = tuple[Int64[np.ndarray, "h w"], list[int]]
"""A map that counts segments from 1 (0: none), and the category of each."""


@dataclass
class State:
    """Sums over images, by category: overlap and number of matches, false positives, false negatives."""

    sums: Float64[np.ndarray, "categories 4"]
    predictions: dict[int, Segments] = field(default_factory=dict[int, Segments])


@component("evaluator")
class PanopticQuality:
    """Panoptic quality, and its factors for recognition and segmentation (arXiv:1801.00868).

    A predicted segment is the pixels with the same class and, of things, the same instance. Maps are brought to the
    size of the image by nearest neighbours. Metrics: `All_pq`, `All_sq`, `All_rq`, the same for `Things_` and `Stuff_`:
    averages over the categories of which there is anything in the annotations or the predictions. The predictions are
    left in the work directory in COCO's form (`predictions.json`, `predictions/*.png`) if `save` is set.

    Settings:
        data: images
        pipeline: what the view reads, and the number of the image
        view: predicts both maps
        annotations: COCO's `panoptic_*.json`
        maps: the folder or zip archive with the PNGs that belong to it
        save: leave the predictions in the work directory

    Ports:
        semantics: 0 for no class, k for the k-th category of the annotations
        instances: any numbers that tell apart instances of a class
        image_id: number of the image in the annotations; wire it by `feeds = { image_id = "batch.image/id" }`
    """

    def __init__(
        self,
        *,
        data: Data,
        pipeline: Pipeline,
        view: View,
        annotations: InputFile,
        maps: InputFile,
        save: bool = False,
    ) -> None:
        self._streams = {"images": Stream(data, pipeline, view)}
        self._files = annotations, maps
        self._save = save

    @cached_property
    def annotations(self) -> Annotations:
        """The table, read once."""
        return read_annotations(*self._files)

    @property
    def _things(self) -> Bool[np.ndarray, "categories"]:
        return np.array([category.thing for category in self.annotations.categories])

    def prepare(self) -> None:
        """Read the table."""
        _ = self.annotations

    def streams(self) -> Mapping[str, Stream]:
        """All images."""
        return self._streams

    def images(
        self,
        semantics: Int[Array, "b h w"] | Int[Array, "b h w 1"],
        instances: Int[Array, "b h w"] | Int[Array, "b h w 1"],
        image_id: Int[Array, "b"],
    ) -> Arrays:
        """The maps as they are."""
        return {
            "semantics": semantics.reshape(semantics.shape[:3]),
            "instances": instances.reshape(instances.shape[:3]),
            "image_id": image_id,
        }

    def start(self) -> State:
        """Nothing seen."""
        return State(np.zeros((len(self.annotations.categories), 4)))

    def update(self, state: State, stream: str, arrays: Mapping[str, Shaped[np.ndarray, "b *dims"]]) -> State:
        """Match the segments of each image.

        Raises:
            DataError: a class that the annotations do not have, or annotations that do not fit the images.
        """
        for semantics, instances, number in zip(
            arrays["semantics"], arrays["instances"], arrays["image_id"].tolist(), strict=True
        ):
            categories = len(self.annotations.categories)
            if semantics.min() < 0 or semantics.max() > categories:
                raise DataError(
                    f"class {semantics.max()} predicted in image {number}, but {categories} categories",
                    self._files[0],
                )
            truth, annotated = self.annotations.truth(number)
            classes, numbers = (resized(labels, truth.shape) for labels in (semantics, instances))
            predicted = segments(classes, numbers, self._things)
            state.sums += matched(truth, annotated, predicted, categories)
            if self._save:
                state.predictions[number] = predicted
        return state

    def result(self, state: State) -> dict[str, float]:
        """All nine metrics; NaN for a group of which there is nothing."""
        groups = {"All": self._things | True, "Things": self._things, "Stuff": ~self._things}
        found: dict[str, float] = {}
        for group, members in groups.items():
            each = qualities(state.sums[members])
            for name, value in zip(
                ("pq", "sq", "rq"), each.mean(axis=0) if len(each) else [np.nan] * 3, strict=True
            ):
                found[f"{group}_{name}"] = float(value)
        return found

    def files(self, state: State) -> dict[str, bytes]:
        """The predictions in COCO's form."""
        return write_predictions(state.predictions, self.annotations.categories) if self._save else {}


def resized(labels: Int[np.ndarray, "h w"], size: tuple[int, ...]) -> Int[np.ndarray, "H W"]:
    """A map of labels at another size, by nearest neighbours."""
    rows, columns = (nearest_index(old, new) for old, new in zip(labels.shape, size, strict=True))
    return labels[rows][:, columns]


def segments(
    semantics: Int[np.ndarray, "h w"],
    instances: Int[np.ndarray, "h w"],
    things: Bool[np.ndarray, "categories"],
) -> Segments:
    """Distinct pairs of class and instance as segments; class 0 is none, and stuff has no instances."""
    counted = np.concatenate([[False], things])[semantics]
    pairs = np.stack([semantics, np.where(counted, instances, 0)], axis=-1).reshape(-1, 2)
    found, number = np.unique(pairs, axis=0, return_inverse=True)
    real = found[:, 0] > 0
    count = np.where(real, np.cumsum(real), 0)
    return count[number].reshape(semantics.shape), (found[real, 0] - 1).tolist()


def matched(
    truth: Int64[np.ndarray, "h w"], annotated: Sequence[Segment], predicted: Segments, categories: int
) -> Float64[np.ndarray, "categories 4"]:
    """Overlap of matches, matches, false positives and false negatives of an image, by category.

    Segments match if they are of one class and overlap by more than half of their union, in which pixels that nobody
    annotated do not count. A crowd is neither matched nor missed; a prediction that lies by more than half on
    what nobody annotated and on a crowd of its class is no false positive.
    """
    # COCO's own evaluation remembers one crowd of a category, the last; numbers that are compared do so too
    crowds = {segment.category: i + 1 for i, segment in enumerate(annotated) if segment.crowd}
    found = np.zeros((categories, 4))
    order = np.array([0, *(segment.id for segment in annotated)])
    sorter = np.argsort(order)
    number = sorter[np.searchsorted(order, truth, sorter=sorter)]  # 0: not annotated, k: the k-th segment
    table, classes = predicted
    shape = (len(order), len(classes) + 1)
    both = np.bincount(
        np.ravel_multi_index((number.ravel(), table.ravel()), shape), minlength=shape[0] * shape[1]
    ).reshape(shape)
    true_area, area = both.sum(axis=1), both.sum(axis=0)
    missed, wrong = set(range(len(annotated))), set(range(len(classes)))
    for i, segment in enumerate(annotated):
        if segment.crowd:
            missed.discard(i)
            continue
        for j, category in enumerate(classes):
            if category != segment.category:
                continue
            overlap = both[i + 1, j + 1]
            union = true_area[i + 1] + area[j + 1] - overlap - both[0, j + 1]
            if overlap / union > 0.5:
                found[category, :2] += overlap / union, 1
                missed.discard(i)
                wrong.discard(j)
    for i in missed:
        found[annotated[i].category, 3] += 1
    for j in wrong:
        ignored = both[0, j + 1] + (both[crowds[classes[j]], j + 1] if classes[j] in crowds else 0)
        if ignored / area[j + 1] <= 0.5:
            found[classes[j], 2] += 1
    return found


def qualities(sums: Float64[np.ndarray, "categories 4"]) -> Float64[np.ndarray, "present 3"]:
    """PQ, SQ and RQ of each category of which there is anything."""
    overlap, hits, extra, missed = sums[sums[:, 1:].sum(axis=1) > 0].T
    size = hits + extra / 2 + missed / 2
    return np.stack([overlap / size, overlap / np.maximum(hits, 1), hits / size], axis=1)
