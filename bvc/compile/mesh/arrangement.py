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
    """The devices in the shape of a mesh.

    Args:
        axes: name -> size in the order of the device grid.
        between: name -> over how many slices the axis extends.
        devices: as many as the mesh has.

    Raises:
        ValueError: there are not exactly as many devices as the mesh has.
    """
    if not any(count > 1 for count in between.values()):
        return create_device_mesh(tuple(axes.values()), devices, allow_split_physical_axes=True)
    inside = tuple(size // between[axis] for axis, size in axes.items())
    outside = tuple(between[axis] for axis in axes)
    return create_hybrid_device_mesh(inside, outside, devices, allow_split_physical_axes=True)
