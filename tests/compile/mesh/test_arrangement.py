"""Devices of several slices: outer batch axes cross the slow network, inner ones stay on the fast one."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pytest

from bvc.compile.mesh.arrangement import arranged
from bvc.compile.mesh.mesh import Grid, over_slices, slices_of


@dataclass(frozen=True)
class Chip:
    """What arranging asks of a device."""

    id: int
    slice_index: int
    coords: tuple[int, int, int]
    platform: str = "tpu"
    device_kind: str = "TPU v4"
    core_on_chip: int = 0
    process_index: int = 0


def chips(slices: int, *torus: int, **kind: Any) -> list[Chip]:
    """Slices of chips, as jax lists them: slice after slice."""
    places = list(itertools.product(*(range(size) for size in torus)))
    return [
        Chip(number * len(places) + at, number, place, **kind)  # type: ignore[arg-type]
        for number in range(slices)
        for at, place in enumerate(places)
    ]


def arrange(axes: dict[str, int], devices: list[Chip]) -> np.ndarray:
    return arranged(axes, over_slices(axes, slices_of(devices)), devices)


def in_slices(found: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda chip: chip.slice_index)(found)


@pytest.mark.parametrize(
    ("axes", "slices", "crosses"),
    [
        ({"data": 4, "fsdp": 8}, 4, {"data": 4, "fsdp": 1}),
        ({"data": 8, "fsdp": 4}, 2, {"data": 2, "fsdp": 1}),
        ({"fsdp": 32}, 2, {"fsdp": 2}),
        ({"data": 2, "fsdp": 8, "tensor": 2}, 4, {"data": 2, "fsdp": 2, "tensor": 1}),
    ],
)
def test_which_axes_cross(axes: dict[str, int], slices: int, crosses: dict[str, int]) -> None:
    where = in_slices(arrange(axes, chips(slices, 4, 8 // slices, 1)))
    for dim, axis in enumerate(axes):
        along = np.moveaxis(where, dim, 0).reshape(axes[axis], -1)
        assert {len(set(line)) for line in along.T} == {crosses[axis]}


def test_machines_of_gpus_are_slices() -> None:
    gpus = chips(2, 8, 1, 1, platform="gpu", device_kind="NVIDIA H100")
    shuffled = [gpus[at] for at in np.random.default_rng(0).permutation(len(gpus))]
    found = arrange({"data": 2, "fsdp": 8}, shuffled)
    assert [[chip.id for chip in row] for row in found] == [list(range(8)), list(range(8, 16))]


def test_slices_of_different_sizes_keep_their_order() -> None:
    gpus = chips(2, 8, 1, 1, platform="gpu", device_kind="NVIDIA H100")[:11]
    found = arrange({"data": 11}, gpus)
    assert [chip.id for chip in found] == list(range(11))


def test_a_mesh_may_split_the_axes_of_a_torus() -> None:
    found = arrange({"data": 2, "fsdp": 32}, chips(1, 4, 4, 4))
    assert found.shape == (2, 32)
    assert len({chip.id for chip in found.flat}) == 64


def test_on_this_machine_the_order_stays() -> None:
    assert list(Grid({"data": 2, "fsdp": 4}, ("data", "fsdp")).place().devices.flat) == jax.devices()
