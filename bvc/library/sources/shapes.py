"""Generated scenes: the dataset that needs no network."""

from __future__ import annotations

from collections.abc import Callable

from bvc.component import DataError, Feature, Missing, component
from bvc.component.feature import Features
from bvc.component.source import Records
from bvc.library.records.prepared import Prepared
from bvc.library.scenes import store


@component("source")
class Shapes:
    """Scenes of two coloured shapes on a coloured ground, drawn with a fixed seed: JPEG files with five captions each.

    `label` is the colour of the first shape, one of eight; the first lies to the left of the other, or above it.
    Besides it and the other attributes there are boxes (top, left, bottom, right, as shares of the image), a panoptic
    map as COCO has it, and depth in metres. The 512 scenes of `test` combine attributes as no scene of `train` does.
    The scenes are written on first use.
    """

    def features(self) -> Features:
        """Features of one scene."""
        return {
            "image": Feature("bytes"),
            "image/id": Feature("int64"),
            "label": Feature("int64"),
            "attributes": Feature("int64", (8,)),
            "captions/text": Feature("str", ("n",)),
            "captions/id": Feature("int64", ("n",)),
            "objects/bbox": Feature("float32", ("m", 4)),
            "objects/label": Feature("int64", ("m",)),
            "panoptic_image": Feature("bytes"),
            "panoptic_objects/id": Feature("int64", ("k",)),
            "panoptic_objects/label": Feature("int64", ("k",)),
            "depth": Feature("float16", (64, 64)),
        }

    def missing(self, split: str, root: str) -> Missing | None:
        """Nothing is ever missing: what is not there is drawn."""
        return None

    def prepare(self, root: str, progress: Callable[[int, int], None] | None = None) -> None:
        """Draw the scenes unless they are there.

        Raises:
            DataError: they cannot be written.
        """
        try:
            store.write(root, progress)
        except OSError as error:
            raise DataError(f"the scenes cannot be written: {error.strerror}", root) from error

    def open(self, split: str, root: str) -> Records:
        """The scenes of `split`, drawn first if they are not there."""
        self.prepare(root)
        return Prepared.open(str(store.folder(root)), split)
