"""mixup mixes the same on any number of devices (as big_vision does: `tests/parity/tables.py`)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from bvc.compile.mesh.mesh import Grid
from bvc.component import MeshContext, PortError
from bvc.library.transforms.mixup import Scope, mixup

ALONE = MeshContext()


@pytest.mark.slow
@pytest.mark.parametrize("axes", [{"data": 8}, {"data": 2, "fsdp": 2}])
def test_any_number_of_devices_gives_the_same(axes: dict[str, int]) -> None:
    """big_vision rolls within a device's part, so its partners depend on how many there are."""
    batch = {"image": jax.random.normal(jax.random.key(0), (16, 3)), "labels": jnp.eye(16)}
    np.testing.assert_allclose(sharded(batch, axes, "global")["image"], alone(batch)["image"], atol=1e-6)
    apart = sharded(batch, axes, "device")["labels"]
    own = 16 // np.prod(list(axes.values()))
    blocks = jax.vmap(lambda part: alone({"labels": part})["labels"])(batch["labels"].reshape(-1, own, 16))
    np.testing.assert_allclose(apart, blocks.reshape(16, 16), atol=1e-6)


def alone(batch: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return mixup(batch, 0.5, key=jax.random.key(7), mesh=ALONE)


def sharded(batch: dict[str, jax.Array], axes: dict[str, int], scope: Scope) -> dict[str, jax.Array]:
    names = tuple(axes)
    count = int(np.prod(list(axes.values())))
    mesh = Grid(axes, names).place(jax.devices()[:count])
    context = MeshContext(axes, names)

    def local(batch: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return mixup(batch, 0.5, key=jax.random.key(7), mesh=context, scope=scope)

    spec = PartitionSpec(names)
    return jax.jit(jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=spec))(batch)


def test_zero_mixes_nothing() -> None:
    batch = {"image": jnp.ones((2, 3))}
    assert mixup(batch, 0.0, key=jax.random.key(0), mesh=ALONE)["image"] is batch["image"]


def test_halves_stay_halves() -> None:
    batch = {"image": jnp.ones((2, 3), jnp.bfloat16)}
    assert mixup(batch, 1.0, key=jax.random.key(0), mesh=ALONE)["image"].dtype == jnp.bfloat16


@pytest.mark.parametrize(
    ("dtype", "mend"),
    [
        (jnp.uint8, "value_range(-1, 1, key='image')"),
        (jnp.int32, "onehot(CLASSES, key='image', to='labels')"),
    ],
)
def test_integers_are_refused(dtype: type, mend: str) -> None:
    with pytest.raises(PortError) as raised:
        mixup({"image": jnp.ones((2, 3), dtype)}, 0.5, key=jax.random.key(0), mesh=ALONE)
    assert mend in (raised.value.help or "")
