"""The panoptic annotation of COCO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bvc.component import DataError, Feature, PortError, component

_READ = ("panoptic_image", "panoptic_objects/id", "panoptic_objects/label")


@component("op")
class CocoPanoptic:
    """Instances and semantics from COCO's panoptic image and its table of objects (big_vision, uvim/pp_ops.py).

    `instances` numbers the objects from 1 in the order of the table, `semantics` is the label + 1; both are 0 where
    no object of the table is. The panoptic image may be encoded.
    """

    def __call__(self, example: Mapping[str, Any]) -> dict[str, Any]:
        """The example with both maps."""
        from bvc.library.imaging.decode import decode_image

        image = example[_READ[0]]
        if isinstance(image, bytes):
            image = decode_image(image, 3)
        ids, labels = example[_READ[1]], example[_READ[2]]
        if len(ids) != len(labels):
            raise DataError(f"{len(ids)} panoptic objects with {len(labels)} labels")
        packed = image.astype(np.int64) @ np.array([1, 256, 65536])
        order = np.argsort(ids, kind="stable")
        instances, semantics = (np.zeros(packed.shape, np.int32) for _ in range(2))
        if len(ids):
            at = np.minimum(np.searchsorted(ids, packed, sorter=order), len(ids) - 1)
            objects = order[at]
            found = np.asarray(ids)[objects] == packed
            instances[found] = objects[found] + 1
            semantics[found] = np.asarray(labels)[objects][found] + 1
        return {**example, "instances": instances[..., None], "semantics": semantics[..., None]}

    def typed(self, example: Mapping[str, Feature]) -> dict[str, Feature]:
        """Two maps of the size of the panoptic image."""
        for name in _READ:
            if name not in example:
                raise PortError(name, "is not there")
        image = example[_READ[0]]
        size = image.shape[:2] if len(image.shape) == 3 else ("panoptic_h", "panoptic_w")
        found = Feature("int32", (*size, 1))
        return {**example, "instances": found, "semantics": Feature("int32", (*size, 1))}
