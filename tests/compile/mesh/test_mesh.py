"""`[mesh]` becomes a grid with sizes; what doesn't fit is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvc.compile.mesh.mesh import Grid, check_batch, over_slices, resolve_mesh, smallest
from bvc.diagnostics import Failed
from bvc.ir import Mesh
from tests.compile.toy import ORIGIN


def mesh(batch: tuple[str, ...] | None = None, **axes: int | None) -> Mesh:
    split = tuple(axis for axis in axes if axis != "tensor") if batch is None else batch
    return Mesh(axes, split, ORIGIN)


def codes(failed: pytest.ExceptionInfo[Failed]) -> list[str]:
    return [diagnostic.code for diagnostic in failed.value.diagnostics]


@given(st.integers(1, 64), st.integers(1, 8), st.integers(1, 8))
def test_rest_takes_what_is_left(rest: int, fsdp: int, tensor: int) -> None:
    grid = resolve_mesh(mesh(data=None, fsdp=fsdp, tensor=tensor), rest * fsdp * tensor)
    assert grid.axes == {"data": rest, "fsdp": fsdp, "tensor": tensor}
    assert list(grid.axes) == ["data", "fsdp", "tensor"]
    assert grid.size == rest * fsdp * tensor
    assert grid.context.shards == rest * fsdp


def test_axes_of_size_one_are_left_out_of_the_program() -> None:
    context = Grid({"data": 1, "fsdp": 4, "tensor": 1}, ("data", "fsdp")).context
    assert context.axes == {"fsdp": 4}
    assert context.batch == ("fsdp",)
    assert context.tensor is None


def test_sizes_must_make_up_the_devices() -> None:
    with pytest.raises(Failed) as failed:
        resolve_mesh(mesh(data=None, fsdp=3), 8, "v5e:2x4")
    assert codes(failed) == ["B0540"]
    assert "3 does not divide 8" in failed.value.diagnostics[0].label
    with pytest.raises(Failed) as failed:
        resolve_mesh(mesh(data=2, fsdp=2), 8)
    assert failed.value.diagnostics[0].label == "the mesh has 2 * 2 = 4, this machine 8"


def test_slices_must_divide_the_first_axes() -> None:
    assert over_slices({"data": 2, "fsdp": 6, "tensor": 4}, 4) == {"data": 2, "fsdp": 2, "tensor": 1}
    with pytest.raises(ValueError, match="slices"):
        over_slices({"data": 2, "fsdp": 4}, 3)


def test_names_of_axes() -> None:
    with pytest.raises(Failed) as failed:
        resolve_mesh(mesh(("dta",), data=None), 8)
    assert codes(failed) == ["B0402"]
    assert failed.value.diagnostics[0].help == "did you mean `data`?"
    with pytest.raises(Failed) as failed:
        resolve_mesh(mesh(data=None, fsdp=None), 8)
    assert codes(failed) == ["B0403"]


def test_batch_divides() -> None:
    table = mesh(data=4, fsdp=2)
    grid = smallest(table)
    assert not check_batch("data.train", 4096, grid, ORIGIN, table)
    (told,) = check_batch("data.train", 4100, grid, ORIGIN, table)
    assert (told.code, told.message) == ("B0401", "the batch of `data.train` does not divide over the mesh")
    assert told.label == "4100 = 8 * 512 + 4"
    assert told.help == "nearest sizes that divide: 4096, 4104"


def test_abstract_mesh_keeps_the_order() -> None:
    abstract = Grid({"data": 2, "fsdp": 256}, ("data", "fsdp")).abstract()
    assert abstract.axis_names == ("data", "fsdp")
    assert abstract.axis_sizes == (2, 256)
