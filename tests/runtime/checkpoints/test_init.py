"""`init` of a spec: told when missing, loaded into the model and its parts, refused where it does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

from bvc.check import check
from bvc.compile.program import Program, compile_experiment
from bvc.compile.step.state import state_shardings
from bvc.diagnostics import Failed
from bvc.library.checkpoints.export import export, named
from bvc.runtime.assemble import initial_state, machine
from bvc.runtime.checkpoints.frozen import saved_values
from bvc.runtime.files import find_files
from tests.runtime.command import SPEC

pytestmark = pytest.mark.slow


def program(*settings: tuple[str, str]) -> Program:
    checked = check(str(SPEC), settings=settings)
    assert checked.ok, checked.diagnostics
    assert checked.experiment is not None
    return compile_experiment(find_files(checked.experiment))


def initial(made: Program, told: list[str] | None = None) -> dict[str, np.ndarray]:
    """Parameters of step 0; what is told of checkpoints goes to `told`."""
    here = machine(made)
    tell = (told if told is not None else []).append
    return named(initial_state(made, state_shardings(made.state, here.step.layout, here.mesh), tell).params)


@pytest.fixture(scope="module")
def fresh() -> dict[str, np.ndarray]:
    return initial(program())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory of `$BVC_FILES`."""
    found = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BVC_FILES", str(found))
        yield found


@pytest.fixture(scope="module")
def other(folder: Path) -> dict[str, np.ndarray]:
    """Parameters of another seed; `whole.npz` and `image.safetensors` hold them."""
    model = program().initialize(jax.random.key(7))
    export(model, folder / "whole.npz")
    export(model.image, folder / "image.safetensors")  # type: ignore[attr-defined]
    return named(eqx.filter(model, eqx.is_array))


@pytest.fixture(scope="module")
def whole(other: dict[str, np.ndarray]) -> Program:
    """A program that starts from `whole.npz`."""
    return program(("model.init", '"whole.npz"'))


def test_whole_model(whole: Program, other: dict[str, np.ndarray]) -> None:
    found = initial(whole)
    assert all(np.array_equal(found[name], other[name]) for name in other)


def test_part_of_a_model_and_what_is_skipped(
    fresh: dict[str, np.ndarray], other: dict[str, np.ndarray]
) -> None:
    told: list[str] = []
    found = initial(
        program(("model.image.init", '"image.safetensors"'), ("model.image.init_skip", '["head/.*"]')), told
    )
    taken = {name for name in found if name.startswith("image/") and not name.startswith("image/head/")}
    assert taken
    (account,) = told
    assert f"image.safetensors: {len(taken)} parameters loaded\n" in account
    assert "left at its initial value: head/kernel" in account
    for name, value in found.items():
        assert np.array_equal(value, (other if name in taken else fresh)[name]), name


def test_part_of_a_file(other: dict[str, np.ndarray]) -> None:
    found = initial(program(("model.image.init", '"whole.npz:img"')))
    assert all(np.array_equal(found[name], other[name]) for name in other if name.startswith("image/"))


def test_missing_file_is_told_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BVC_FILES", str(tmp_path))
    with pytest.raises(Failed) as failure:
        program(("model.init", '"nowhere.npz"'))
    (told,) = failure.value.diagnostics
    assert told.code == "B0503"
    assert str(tmp_path / "nowhere.npz") in told.notes[0]


@pytest.mark.parametrize("damage", ["other model", "truncated", "no archive"])
def test_file_that_does_not_fit_is_refused(whole: Program, folder: Path, damage: str) -> None:
    file = folder / "whole.npz"
    before = file.read_bytes()
    if damage == "other model":
        np.savez(file, **{"img/head/kernel": np.zeros((3, 3), np.float32)})
    elif damage == "truncated":
        file.write_bytes(before[:1000])
    else:
        file.write_text("not an archive")
    try:
        with pytest.raises(Failed) as failure:
            saved_values(whole.experiment.model, whole.module, lambda text: None)
    finally:
        file.write_bytes(before)
    (told,) = failure.value.diagnostics
    assert told.code == "B0504"
    assert told.place is not None
