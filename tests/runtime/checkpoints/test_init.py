"""`init` of a spec: told when missing, loaded into the model and its parts, refused where it does not fit."""

from __future__ import annotations

from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

from bvc.check import check
from bvc.compile.program import Program, compile_experiment
from bvc.compile.state import state_shardings
from bvc.diagnostics import Failed
from bvc.library.checkpoints.export import export, named
from bvc.runtime.assemble import initial_state, machine
from bvc.runtime.files import find_files
from tests.runtime.command import SPEC

pytestmark = pytest.mark.slow


def program(*settings: tuple[str, str]) -> Program:
    checked = check(str(SPEC), settings=settings)
    assert checked.ok, checked.diagnostics
    assert checked.experiment is not None
    return compile_experiment(find_files(checked.experiment))


def initial(made: Program) -> dict[str, np.ndarray]:
    here = machine(made)
    return named(initial_state(made, state_shardings(made.state, here.step.layout, here.mesh)).params)


@pytest.fixture(scope="module")
def fresh() -> dict[str, np.ndarray]:
    return initial(program())


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Parameters of another seed; `whole.npz` and `image.safetensors` hold them in a directory of `$BVC_FILES`."""
    model = program().initialize(jax.random.key(7))
    export(model, tmp_path / "whole.npz")
    export(model.image, tmp_path / "image.safetensors")  # type: ignore[attr-defined]
    monkeypatch.setenv("BVC_FILES", str(tmp_path))
    return named(eqx.filter(model, eqx.is_array))


def test_whole_model(other: dict[str, np.ndarray]) -> None:
    found = initial(program(("model.init", '"whole.npz"')))
    assert all(np.array_equal(found[name], other[name]) for name in other)


def test_part_of_a_model_and_what_is_skipped(
    fresh: dict[str, np.ndarray], other: dict[str, np.ndarray]
) -> None:
    found = initial(
        program(("model.image.init", '"image.safetensors"'), ("model.image.init_skip", '["head/.*"]'))
    )
    taken = {name for name in found if name.startswith("image/") and not name.startswith("image/head/")}
    assert taken
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
def test_file_that_does_not_fit_is_refused(other: dict[str, np.ndarray], tmp_path: Path, damage: str) -> None:
    file = tmp_path / "whole.npz"
    if damage == "other model":
        np.savez(file, **{"img/head/kernel": np.zeros((3, 3), np.float32)})
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:1000])
    else:
        file.write_text("not an archive")
    with pytest.raises(Failed) as failure:
        initial(program(("model.init", '"whole.npz"')))
    (told,) = failure.value.diagnostics
    assert told.code == "B0504"
    assert told.place is not None
