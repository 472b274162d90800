"""Checkpoints in a store: whole or not at all whenever a process ends, and of pieces that fit together."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.diagnostics import Failed
from bvc.runtime.checkpoints import checkpoint, stored, uploaded
from bvc.runtime.checkpoints.checkpoint import Checkpoints
from bvc.runtime.checkpoints.parts import write_part
from bvc.runtime.checkpoints.pieces import Piece, own_pieces
from bvc.runtime.checkpoints.stored import at, judge, newest, steps
from bvc.runtime.folder import Folder
from bvc.runtime.processes.peers import Elsewhere
from tests.runtime.objects import Killed, Objects

_CHANGES = 6
"""Of a save in a store: two parts and the manifest come; a manifest and two parts of the oldest go."""


def mesh(*sizes: int) -> jax.sharding.Mesh:
    names = ("data", "fsdp")[: len(sizes)]
    devices = jax.devices()[: int(np.prod(sizes))]
    return jax.make_mesh(sizes, names, axis_types=(jax.sharding.AxisType.Auto,) * len(sizes), devices=devices)


SPECS = {"kernel": jax.P("fsdp"), "embedding": jax.P(None, "fsdp"), "bias": jax.P(), "step": jax.P()}


def made(seed: int, grid: jax.sharding.Mesh) -> dict[str, jax.Array]:
    values = {
        "kernel": jnp.arange(32.0).reshape(8, 4) + seed,
        "embedding": jnp.arange(24, dtype=jnp.bfloat16).reshape(3, 8) * seed,
        "bias": jnp.arange(5.0) - seed,
        "step": jnp.asarray(seed, jnp.int32),
    }
    return {
        name: jax.device_put(value, jax.NamedSharding(grid, SPECS[name])) for name, value in values.items()
    }


def wanted(grid: jax.sharding.Mesh) -> dict[str, jax.ShapeDtypeStruct]:
    return {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)
        for name, leaf in made(0, grid).items()
    }


def assert_same(found: dict[str, jax.Array], seed: int) -> None:
    for name, leaf in made(seed, mesh(1, 1)).items():
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(leaf), err_msg=name)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another process saved every second piece, and was through with it when this one asks."""
    kept: list[Piece] = []
    where: list[Folder] = []
    prepare = uploaded.upload

    def own(leaves: dict[str, jax.Array]) -> list[Piece]:
        pieces = own_pieces(leaves)
        kept[:] = pieces[1::2]
        return pieces[::2]

    def upload(folder: Folder, pieces: list[Piece]) -> Any:
        where[:] = [folder]
        return prepare(folder, pieces)

    def gathered(said: Any, name: str | None = None) -> list[Any]:
        if name is None:
            return [said]
        part = write_part(where[0], f"other-{name.partition('/')[2]}", kept)
        return [said, (f"other-{name.partition('/')[2]}", (part.size, part.header, part.sha256))]

    monkeypatch.setattr(checkpoint, "own_pieces", own)
    monkeypatch.setattr(checkpoint, "upload", upload)
    monkeypatch.setattr(uploaded, "gathered", gathered)


def save(folder: Folder, *numbers: int, grid: jax.sharding.Mesh) -> None:
    checkpoints = Checkpoints(folder, lambda step: False)
    checkpoints.load(wanted(grid))
    for number in numbers:
        checkpoints.save(number, made(number, grid), {"row": {"loss": float(number)}})
    checkpoints.close()


@pytest.mark.usefixtures("two")
def test_a_kill_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = mesh(2, 2)
    save(Folder(f"objects://{tmp_path}/at-first"), 4, 5, grid=grid)
    seen: list[int] = []
    for moment in range(_CHANGES):
        shutil.copytree(tmp_path / "at-first", tmp_path / str(moment))
        folder = Folder(f"objects://{tmp_path}/{moment}")
        monkeypatch.setattr(Objects, "left", moment)
        with pytest.raises(Killed):
            save(folder, 6, grid=grid)
        monkeypatch.setattr(Objects, "left", None)
        found, told = Checkpoints(folder, lambda step: False).load(wanted(grid))
        assert found is not None and told == []
        assert_same(found.state, found.step)
        assert found.extra == {"row": {"loss": float(found.step)}}
        seen.append(found.step)
        save(folder, 7, grid=grid)
        assert steps(folder) == [found.step, 7]
        assert all(not isinstance(judge(folder, step), str) for step in steps(folder))
    assert seen == [5, 5, 5, 6, 6, 6]


@pytest.mark.usefixtures("two")
def test_parts_are_put_together_on_any_mesh(tmp_path: Path) -> None:
    save(Folder(f"objects://{tmp_path}/store"), 3, grid=mesh(2, 4))
    for folder in (Folder(f"objects://{tmp_path}/store"), Folder(tmp_path / "store")):
        assert not isinstance(judge(folder, 3), str)
        for grid in (mesh(1, 1), mesh(4, 2), mesh(1, 8)):
            found = at(folder, 3, wanted(grid))
            assert_same(found.state, 3)
            assert all(found.state[name].sharding == leaf.sharding for name, leaf in wanted(grid).items())
        bias = {"bias": wanted(mesh(8, 1))["bias"]}
        np.testing.assert_array_equal(
            at(folder, 3, bias, part=True).state["bias"], made(3, mesh(1, 1))["bias"]
        )


def test_every_element_is_saved_once() -> None:
    state = made(1, mesh(4, 2))
    pieces = own_pieces(state)
    sizes = {name: sum(piece.data.size for piece in pieces if piece.name == name) for name in state}
    assert sizes == {name: leaf.size for name, leaf in state.items()}


@pytest.mark.parametrize("at_byte", [20, -3])
def test_a_damaged_part_is_passed_over(at_byte: int, tmp_path: Path) -> None:
    folder = Folder(f"objects://{tmp_path}")
    save(folder, 5, 6, grid=mesh(1, 1))
    (file,) = (tmp_path / "000000006").glob("part-*")
    data = bytearray(file.read_bytes())
    data[at_byte] ^= 1
    file.write_bytes(data)
    found, told = newest(folder, wanted(mesh(1, 2)))
    assert found is not None and found.step == 5
    assert told == {6: f"its file `{file.name}` is not what was saved"} and judge(folder, 6) == told[6]
    with pytest.raises(Failed, match="B0523: .*is not what was saved"):
        at(folder, 6, wanted(mesh(1, 1)))
    file.unlink()
    _, (warning,) = Checkpoints(folder, lambda step: False).load(wanted(mesh(1, 1)))
    assert warning.code == "B0520" and "is missing" in warning.message
    assert folder.names() == ["000000005", "000000006.damaged"]


def test_what_another_process_finds_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(f"objects://{tmp_path}")
    save(folder, 5, 6, grid=mesh(1, 1))
    others = iter(["its file `part` is not what was saved", None])
    monkeypatch.setattr(stored, "gathered", lambda said: [said, next(others)])
    found, told = newest(folder, wanted(mesh(1, 1)))
    assert found is not None and (found.step, told) == (5, {6: "its file `part` is not what was saved"})


def test_another_process_that_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "gathered", lambda said, name: [said, ("other", None)])
    checkpoints = Checkpoints(Folder(f"objects://{tmp_path}"), lambda step: False)
    checkpoints.save(5, made(5, mesh(1, 1)), {})
    with pytest.raises(Elsewhere):
        checkpoints.close()
    assert newest(Folder(f"objects://{tmp_path}"), wanted(mesh(1, 1)))[0] is None
