"""Rules on names become PartitionSpecs; optimizer state follows."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec

from bvc.compile.mesh.layout import Layout, lay_out
from bvc.compile.mesh.mesh import Grid
from bvc.component.names import leaf_names
from bvc.diagnostics import Failed
from bvc.library.optimizers.adafactor import adafactor
from bvc.library.optimizers.adam import adam
from tests.compile.toy import DEPTH, WIDTH, Toy, shard, update_of

GRID = Grid({"data": 2, "fsdp": 4}, ("data", "fsdp"))


@pytest.fixture(scope="module")
def toy() -> Any:
    return eqx.filter(eqx.filter_eval_shape(Toy, jax.random.key(0)), lambda leaf: hasattr(leaf, "dtype"))


def by_name(layout: Layout) -> dict[str, PartitionSpec]:
    return {leaf.name: leaf.spec for leaf in layout.leaves}


def told(rules: Any, model: Any) -> list[str]:
    with pytest.raises(Failed) as failed:
        lay_out(rules, model, GRID)
    return [diagnostic.code for diagnostic in failed.value.diagnostics]


def test_largest_dim_that_divides(toy: Any) -> None:
    specs = by_name(lay_out([shard("image/.*", "fsdp")], toy, GRID))
    assert specs["image/stem"] == PartitionSpec(None, "fsdp")  # 6 x 16
    assert specs["image/blocks/*/bias"] == PartitionSpec(None, "fsdp")  # not the dim of the stack
    assert specs["image/blocks/*/kernel"] == PartitionSpec(None, "fsdp")  # the first of equal ones
    assert specs["text/stem"] == PartitionSpec()
    assert specs["temperature"] == PartitionSpec()


def test_min_size_is_of_one_parameter_and_strict(toy: Any) -> None:
    size = WIDTH * WIDTH * 4
    at, below = (lay_out([shard(".*", "fsdp", min_size=limit)], toy, GRID) for limit in (size, size - 1))
    assert by_name(at)["image/blocks/*/kernel"] == PartitionSpec()
    assert by_name(below)["image/blocks/*/kernel"] != PartitionSpec()
    assert by_name(below)["image/stem"] == PartitionSpec()


def test_first_match_decides(toy: Any) -> None:
    rules = [shard(".*/kernel", None), shard(".*", "fsdp")]
    specs = by_name(lay_out(rules, toy, GRID))
    assert specs["text/blocks/*/kernel"] == PartitionSpec()
    assert specs["text/blocks/*/bias"] == PartitionSpec(None, "fsdp")


def test_an_axis_of_one_device_splits_nothing(toy: Any) -> None:
    layout = lay_out([shard(".*/kernel", "fsdp", dim=1)], toy, Grid({"fsdp": 1}, ("fsdp",)))
    assert set(layout.specs) == {PartitionSpec()}


@pytest.mark.parametrize(
    ("rules", "codes"),
    [
        ([shard("img/.*", "fsdp")], ["B0320"]),
        ([shard(".*", "fsdb")], ["B0402"]),
        ([shard("image/stem", "fsdp", dim=2)], ["B0410"]),
        ([shard("image/stem", "fsdp", dim=0)], ["B0411"]),
        ([shard("image/blocks/0[01]/kernel", "fsdp")], ["B0412"]),
    ],
)
def test_what_cannot_be(rules: Any, codes: list[str], toy: Any) -> None:
    assert told(rules, toy) == codes


def test_a_near_pattern_is_proposed(toy: Any) -> None:
    with pytest.raises(Failed) as failed:
        lay_out([shard("imag/.*", "fsdp")], toy, GRID)
    count = 1 + 3 * DEPTH
    assert failed.value.diagnostics[0].help == f"did you mean `image/.*`? (matches {count})"


@pytest.mark.parametrize("transform", [adam(mu_dtype="bfloat16"), adafactor(min_dim_size_to_factor=4)])
def test_state_follows_its_parameter(transform: optax.GradientTransformation, toy: Any) -> None:
    update = update_of(toy, transform)
    layout = lay_out([shard(".*", "fsdp")], toy, GRID)
    state = jax.eval_shape(update.init, toy)
    specs = layout.of_state(state)
    leaves = jax.tree_util.tree_leaves_with_path(state)
    placed = jax.tree.leaves(specs, is_leaf=lambda node: isinstance(node, PartitionSpec))
    names = set(leaf_names(toy))
    wanted = by_name(layout)
    shapes = {leaf.name: leaf.shape for leaf in layout.leaves}
    for (path, leaf), spec in zip(leaves, placed, strict=True):
        name = next((step.key for step in path if getattr(step, "key", None) in names), None)
        for dim, axis in enumerate(spec):
            assert axis is None or leaf.shape[dim] % GRID.axes[axis] == 0
        if name is None:
            assert spec == PartitionSpec()
        elif leaf.shape == shapes[name]:
            assert tuple(spec) == tuple(wanted[name]) + (None,) * (len(spec) - len(wanted[name]))


def test_factored_moments_keep_the_split_that_survives() -> None:
    model = {"kernel": jax.ShapeDtypeStruct((64, 32), jnp.float32)}
    layout = lay_out([shard("kernel", "fsdp", dim=0)], model, GRID)
    state = layout.of_state(
        {"v_row": {"kernel": np.zeros(32)}, "v_col": {"kernel": np.zeros(64)}, "count": np.zeros(())}
    )
    assert state == {
        "v_row": {"kernel": PartitionSpec(None)},
        "v_col": {"kernel": PartitionSpec("fsdp")},
        "count": PartitionSpec(),
    }
