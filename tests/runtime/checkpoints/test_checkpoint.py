import os
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvc.component.stack import Stack
from bvc.diagnostics import Failed
from bvc.runtime.checkpoints.checkpoint import Checkpoints
from bvc.runtime.checkpoints.stored import at, newest, steps
from bvc.runtime.folder import Folder
from tests.runtime import objects  # noqa: F401 - registers the store


class Layer(eqx.Module):
    kernel: jax.Array

    def __init__(self, key: jax.Array):
        self.kernel = jax.random.normal(key, (4, 6))


class Net(eqx.Module):
    blocks: Stack
    bias: jax.Array


def make(seed: int = 0) -> dict:
    net = Net(Stack.build(Layer, 3, jax.random.key(seed)), jnp.arange(5, dtype=jnp.bfloat16))
    return {"params": eqx.filter(net, eqx.is_array), "step": jnp.asarray(seed, jnp.int32)}


def wanted() -> dict:
    return abstract(make())


def abstract(state: dict) -> dict:
    here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), state)


def equal(a, b) -> bool:
    same = jax.tree.map(
        lambda x, y: x.dtype == y.dtype and np.array_equal(np.asarray(x), np.asarray(y)), a, b
    )
    return all(jax.tree.leaves(same))


def saved(folder: Folder, *steps: int, keep=lambda step: False) -> Checkpoints:
    checkpoints = Checkpoints(folder, keep)
    for step in steps:
        checkpoints.save(step, make(step), {"row": {"loss": 0.1 * step}})
    checkpoints.close()
    return checkpoints


def load(folder: Folder, state=None):
    return Checkpoints(folder, lambda step: False).load(state if state is not None else wanted())


def loaded(folder: Folder, state=None):
    found, warnings = load(folder, state)
    assert found is not None and warnings == []
    return found


@pytest.fixture(params=["", "objects://"])
def folder(request, tmp_path) -> Folder:
    return Folder(f"{request.param}{tmp_path}/checkpoints")


def test_what_was_saved_comes_back(folder):
    assert load(folder) == (None, [])
    saved(folder, 7)
    found = loaded(folder)
    assert (found.step, dict(found.extra)) == (7, {"row": {"loss": 0.1 * 7}})
    assert equal(found.state, make(7))


def test_rotation_leaves_the_newest_two_and_those_to_keep(folder):
    saved(folder, 1, 2, 3, 4, 5, 6, keep=lambda step: step % 3 == 0)
    assert steps(folder) == [3, 5, 6]


def test_a_part_of_what_was_saved_can_be_read(folder):
    saved(folder, 7)
    found, _ = newest(folder, {"params": wanted()["params"]}, part=True)
    assert found is not None and equal(found.state, {"params": make(7)["params"]})


def test_it_is_restored_onto_any_mesh(tmp_path):
    state = {"kernel": jnp.arange(64.0).reshape(8, 8), "step": jnp.asarray(3, jnp.int32)}
    kinds = (jax.sharding.AxisType.Auto,)
    devices = jax.devices()

    def placed(count: int, dim: int):
        mesh = jax.make_mesh((count,), ("data",), axis_types=kinds, devices=devices[:count])
        spec = jax.P(*[None] * dim, "data")
        return {
            name: jax.sharding.NamedSharding(mesh, spec if name == "kernel" else jax.P()) for name in state
        }

    checkpoints = Checkpoints(Folder(tmp_path), lambda step: False)
    checkpoints.save(3, jax.device_put(state, placed(4, 0)), {})
    checkpoints.close()
    for count, dim in ((1, 0), (8, 1), (2, 0)):
        shardings = placed(count, dim)
        target = {
            name: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=shardings[name])
            for name, x in state.items()
        }
        found = loaded(Folder(tmp_path), target)
        assert equal(found.state, state)
        assert all(found.state[name].sharding == shardings[name] for name in state)


def test_one_step_can_be_read(folder):
    saved(folder, 6, 7)
    assert equal(at(folder, 6, wanted()).state, make(6))
    with pytest.raises(Failed, match="B0523: .*there are: 6, 7"):
        at(folder, 8, wanted())


def test_a_damaged_step_that_was_asked_for_is_told_and_left(tmp_path):
    saved(Folder(tmp_path), 6)
    flip(array_file(tmp_path / "000000006"))
    with pytest.raises(Failed, match="B0523: .*is not what was saved"):
        at(Folder(tmp_path), 6, wanted())
    assert os.listdir(tmp_path) == ["000000006"]


def test_a_donated_state_is_saved_as_it_was(tmp_path):
    forward = jax.jit(lambda state: jax.tree.map(lambda x: x + 1, state), donate_argnums=0)
    state = {"params": jnp.zeros((1000, 1000)), "step": jnp.zeros((), jnp.int32)}
    checkpoints = Checkpoints(Folder(tmp_path), lambda step: False)
    for step in range(1, 4):
        state = forward(state)
        checkpoints.save(step, state, {})
        for _ in range(20):
            state = forward(state)
        state = jax.tree.map(lambda x, n=step: jnp.full_like(x, n), state)
    checkpoints.close()
    found = loaded(Folder(tmp_path), abstract(state))
    assert equal(found.state, {"params": jnp.full((1000, 1000), 3.0), "step": jnp.asarray(3, jnp.int32)})


def array_file(folder: Path) -> Path:
    return max((path for path in (folder / "state" / "d").iterdir()), key=lambda path: path.stat().st_size)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda step: flip(array_file(step)), "is not what was saved"),
        (lambda step: cut(array_file(step)), "is not what was saved"),
        (lambda step: array_file(step).unlink(), "is missing"),
        (lambda step: flip(step / "manifest"), "its manifest was changed or cut"),
        (lambda step: cut(step / "manifest"), "its manifest was changed or cut"),
        (lambda step: (step / "manifest").unlink(), "it has no manifest"),
        (lambda step: (step / "manifest").write_text("hello"), "its manifest was changed or cut"),
    ],
)
def test_a_damaged_checkpoint_falls_back_and_is_set_aside(tmp_path, harm, reason):
    folder = Folder(tmp_path)
    saved(folder, 5, 6)
    harm(tmp_path / "000000006")
    found, (told,) = load(folder)
    assert found is not None and found.step == 5 and equal(found.state, make(5))
    assert (told.code, told.severity) == ("B0520", "warning") and reason in told.message
    assert (tmp_path / "000000006.damaged").is_dir()
    saved(folder, 6)
    assert loaded(folder).step == 6


def test_an_empty_step_folder_does_not_count(tmp_path):
    saved(Folder(tmp_path), 5)
    (tmp_path / "000000009").mkdir()
    found, (told,) = load(Folder(tmp_path))
    assert found is not None and found.step == 5 and told.code == "B0520"


def test_what_a_killed_save_left_is_removed(tmp_path):
    saved(Folder(tmp_path), 5)
    (tmp_path / "000000006.partial.orbax-checkpoint-tmp").mkdir()
    (tmp_path / "000000006.partial").mkdir()
    assert loaded(Folder(tmp_path)).step == 5
    assert os.listdir(tmp_path) == ["000000005"]


def test_nothing_is_trained_over_when_no_checkpoint_verifies(tmp_path):
    saved(Folder(tmp_path), 5, 6)
    for step in ("000000005", "000000006"):
        flip(array_file(tmp_path / step))
    with pytest.raises(Failed) as failed:
        load(Folder(tmp_path))
    (told,) = failed.value.diagnostics
    assert told.code == "B0521" and len(told.notes) == 3
    assert sorted(os.listdir(tmp_path)) == ["000000005", "000000006"]


def test_differences_are_told_in_parameter_names(tmp_path):
    saved(Folder(tmp_path), 5)
    state = make()
    net = eqx.tree_at(lambda net: net.blocks.layer.kernel, state["params"], jnp.zeros((3, 4, 7)))
    net = eqx.tree_at(lambda net: net.bias, net, jnp.zeros(5))
    with pytest.raises(Failed) as failed:
        load(Folder(tmp_path), abstract({"params": net, "count": state["step"]}))
    (told,) = failed.value.diagnostics
    assert told.code == "B0522"
    assert told.notes[:4] == (
        "`count`: not in the checkpoint, wanted int32[]",
        "`params/blocks/*/kernel`: float32[3 4 6] in the checkpoint, wanted float32[3 4 7]",
        "`params/bias`: bfloat16[5] in the checkpoint, wanted float32[5]",
        "`step`: int32[] in the checkpoint, not wanted",
    )


def test_a_half_uploaded_checkpoint_does_not_count():
    folder = Folder(f"memory://half-{os.getpid()}/checkpoints")
    saved(folder, 5, 6)
    (folder / "000000006").remove("manifest")
    assert loaded(folder).step == 5
    assert folder.names() == ["000000005"]
