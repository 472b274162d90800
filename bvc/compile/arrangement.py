"""Which device stands where in a mesh: neighbours along inner axes are near each other.

A slice is what a fast network connects: a TPU slice, or the GPUs of a machine or of an NVLink domain. Between slices
runs a network that is ten times slower, so outer axes cross slices and inner ones stay inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jax.experimental.mesh_utils import create_device_mesh, create_hybrid_device_mesh


def arranged(axes: Mapping[str, int], between: Mapping[str, int], devices: Sequence[Any]) -> np.ndarray:
    """The devices in the shape of a mesh; in the order of their slices where these differ in size.

    Args:
        axes: name -> size in the order of the device grid.
        between: name -> over how many slices the axis extends.
        devices: as many as the mesh has.

    Raises:
        ValueError: there are not exactly as many devices as the mesh has.
    """
    sizes = tuple(axes.values())
    slices = [getattr(device, "slice_index", 0) for device in devices]
    counts = {slices.count(each) for each in slices}
    if len(set(slices)) == 1 or len(counts) > 1:
        return create_device_mesh(sizes, devices, allow_split_physical_axes=True)
    inside = tuple(size // between[axis] for axis, size in axes.items())
    outside = tuple(between[axis] for axis in axes)
    return create_hybrid_device_mesh(inside, outside, devices, allow_split_physical_axes=True)
