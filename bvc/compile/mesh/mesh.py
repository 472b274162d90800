"""From `[mesh]` to a grid of devices, real or abstract, and to what components may know of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec

from bvc.compile.mesh.arrangement import arranged
from bvc.component.mesh import MeshContext
from bvc.diagnostics import Diagnostic, Failed, Origin
from bvc.diagnostics.catalog import mesh as catalog
from bvc.diagnostics.catalog import run as run_catalog
from bvc.ir import Mesh, Run

TENSOR = "tensor"
"""The axis that splits heads and hidden units, by convention; no axis of another name does."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A mesh with sizes.

    Attributes:
        axes: name -> size in the order of the device grid.
        batch: the axes that split the batch, major first.
    """

    axes: Mapping[str, int]
    batch: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of devices."""
        return math.prod(self.axes.values())

    @property
    def context(self) -> MeshContext:
        """The mesh as components see it; axes of size 1 move nothing and are left out."""
        axes = {axis: size for axis, size in self.axes.items() if size > 1}
        return MeshContext(
            axes, tuple(axis for axis in self.batch if axis in axes), TENSOR if TENSOR in axes else None
        )

    @property
    def batch_spec(self) -> PartitionSpec:
        """How arrays of the batch lie on the mesh: dim 0 split over the batch axes."""
        return PartitionSpec(self.context.batch or None)

    def abstract(self) -> AbstractMesh:
        """The mesh without devices: enough to trace a step."""
        return AbstractMesh(
            tuple(self.axes.values()), tuple(self.axes), axis_types=(AxisType.Auto,) * len(self.axes)
        )

    def place(self, devices: Sequence[Any] | None = None) -> jax.sharding.Mesh:
        """The mesh on devices (default: all), in an order that suits their connections.

        Raises:
            ValueError: there are not exactly as many devices as the mesh has, or their slices do not divide it.
        """
        devices = jax.devices() if devices is None else devices
        found = arranged(self.axes, over_slices(self.axes, slices_of(devices)), devices)
        return jax.sharding.Mesh(found, tuple(self.axes), axis_types=(AxisType.Auto,) * len(self.axes))


def resolve_mesh(mesh: Mesh, devices: int, target: str = "this machine") -> Grid:
    """Give every axis its size.

    Args:
        mesh: `[mesh]` of a spec.
        devices: how many devices there are.
        target: where they are, in words.

    Raises:
        Failed: sizes that do not make up the number of devices, or an axis that does not exist.
    """
    fixed = math.prod(size for size in mesh.axes.values() if size is not None)
    rests = [axis for axis, size in mesh.axes.items() if size is None]
    wrong: list[Diagnostic] = []
    if len(rests) > 1:
        wrong.append(catalog.rest_twice(mesh.origin))
    wrong += [
        catalog.unknown_axis(axis, mesh.origin, list(mesh.axes))
        for axis in mesh.batch
        if axis not in mesh.axes
    ]
    if not wrong and (devices % fixed if rests else fixed != devices):
        wrong.append(run_catalog.mesh_unfit(mesh.axes, devices, _axes_origin(mesh), target))
    if wrong:
        raise Failed(wrong)
    axes = {axis: devices // fixed if size is None else size for axis, size in mesh.axes.items()}
    return Grid(axes, mesh.batch)


def slices_of(devices: Sequence[Any]) -> int:
    """How many slices these devices are; slices of different sizes count as one: no axis lies evenly over them."""
    counts = Counter(getattr(device, "slice_index", 0) for device in devices)
    return len(counts) if len(set(counts.values())) == 1 else 1


def over_slices(axes: Mapping[str, int], slices: int) -> dict[str, int]:
    """How many slices each axis of a mesh extends over: the first axes over all of them, the others over one.

    >>> over_slices({"data": 4, "fsdp": 8}, 2)
    {'data': 2, 'fsdp': 1}
    >>> over_slices({"data": 2, "fsdp": 16}, 4)
    {'data': 2, 'fsdp': 2}

    Raises:
        ValueError: the axes do not divide so.
    """
    found: dict[str, int] = {}
    for axis, size in axes.items():
        found[axis] = math.gcd(size, slices)
        slices //= found[axis]
    if slices > 1:
        raise ValueError(f"a mesh of {dict(axes)} does not lie over slices of equal parts")
    return found


def smallest(mesh: Mesh) -> Grid:
    """The mesh with a single device for the axis that takes what is left: what every machine must satisfy."""
    return Grid({axis: size or 1 for axis, size in mesh.axes.items()}, mesh.batch)


def check_slices(mesh: Mesh, grid: Grid, slices: int, target: str) -> list[Diagnostic]:
    """Whether a mesh lies over the slices of `target`."""
    try:
        over_slices(grid.axes, slices)
    except ValueError:
        return [run_catalog.mesh_over_slices(grid.axes, slices, _axes_origin(mesh), target)]
    return []


def check_batch(what: str, batch: int, grid: Grid, place: Origin, mesh: Mesh) -> list[Diagnostic]:
    """Whether a batch divides over the axes that split it; `what` names it in the message."""
    split = {axis: grid.axes[axis] for axis in grid.batch if axis in grid.axes}
    if not batch % math.prod(split.values()):
        return []
    split = {axis: size for axis, size in split.items() if size > 1}
    return [catalog.batch_indivisible(what, batch, split, place, _axes_origin(mesh))]


def check_parts(batch: int, run: Run, grid: Grid, batch_origin: Origin) -> list[Diagnostic]:
    """Whether a device's examples divide into the parts in which it works them off."""
    shards = grid.context.shards
    if batch % shards or not batch // shards % run.accumulate:
        return []
    place = run.accumulate_origin or run.origin
    return [catalog.parts_indivisible(run.accumulate, batch, shards, place, batch_origin)]


def shard_batch(mesh: jax.sharding.Mesh, grid: Grid) -> NamedSharding:
    """The sharding of every array of a batch."""
    return NamedSharding(mesh, grid.batch_spec)


def _axes_origin(mesh: Mesh) -> Origin:
    return next(iter(mesh.axis_origins.values()), mesh.origin)
