"""The step computes the same on every mesh and under every layout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bvc.compile.step.step import abstract_step
from bvc.component import Loss, gather
from tests.compile.toy import INPUT, Kept, Pairs, Toy, batches, rule, run, shard, training_of, update_of

EVERYTHING = (shard(".*", "fsdp"),)
MESHES: list[tuple[dict[str, int], Any]] = [
    ({"fsdp": 8}, EVERYTHING),
    ({"data": 2, "fsdp": 2, "other": 2}, (shard("text/.*", "other"), *EVERYTHING)),
    ({"data": 1, "fsdp": 4}, (shard(".*/kernel", "fsdp", dim=0),)),
]
"""Those of most specs: test_invariance.py."""


@pytest.fixture(scope="module")
def alone() -> Any:
    """Twenty steps on one device."""
    return run(*training_of(Toy(jax.random.key(0)), {"data": 1}), 20)


@pytest.mark.parametrize(("axes", "layout"), MESHES, ids=str)
def test_twenty_steps_agree(axes: dict[str, int], layout: Any, alone: Any) -> None:
    state, told = run(*training_of(Toy(jax.random.key(0)), axes, layout), 20)
    assert int(state.step) == 20
    for name in told[0]:
        np.testing.assert_allclose(
            [t[name] for t in told], [t[name] for t in alone[1]], rtol=2e-5, err_msg=name
        )
    for ours, theirs in zip(jax.tree.leaves(state.params), jax.tree.leaves(alone[0].params), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def test_recomputed_layers_change_no_number(alone: Any) -> None:
    model = Toy(jax.random.key(0), remat="full")
    _, told = run(*training_of(model, {"data": 2, "fsdp": 2}, EVERYTHING), 3)
    for name in told[0]:
        np.testing.assert_allclose([t[name] for t in told], [t[name] for t in alone[1][:3]], rtol=2e-5)


def test_an_axis_that_does_not_split_the_batch_may_split_parameters(alone: Any) -> None:
    training, state = training_of(Toy(jax.random.key(0)), {"data": 4, "fsdp": 2}, EVERYTHING)
    training = replace(training, grid=replace(training.grid, batch=("data",)))
    _, told = run(training, state, 3)
    for name in told[0]:
        np.testing.assert_allclose([t[name] for t in told], [t[name] for t in alone[1][:3]], rtol=2e-5)


def test_without_gather_a_replicated_parameter_still_gets_its_gradient() -> None:
    class Forgetful(eqx.Module):
        kernel: jax.Array

        def __call__(self, x: jax.Array) -> jax.Array:
            return x @ self.kernel

    def loss(model: Any, batch: Any, keys: Any, mesh: Any) -> Loss:
        return Loss.mean(jnp.sum(model(batch["image"]) ** 2, axis=1))

    def twice(model: Any, batch: Any, keys: Any, mesh: Any) -> Loss:
        return loss(gather(gather(model)), batch, keys, mesh)

    model = Forgetful(jax.random.normal(jax.random.key(0), (INPUT, 3)))
    found = [
        run(*training_of(model, axes, loss=each), 2)[1]
        for axes in ({"data": 1}, {"data": 4})
        for each in (loss, twice)
    ]
    for told in found[1:]:
        np.testing.assert_allclose(
            [t["l2_grads"] for t in told], [t["l2_grads"] for t in found[0]], rtol=1e-5
        )


def test_frozen_parameters_stay_and_are_not_differentiated() -> None:
    model = Toy(jax.random.key(0))
    params = eqx.filter(model, eqx.is_array)
    update = update_of(params, optax.adam(1.0), [rule("image/.*", freeze=True)])
    training, state = training_of(model, {"data": 2, "fsdp": 2}, EVERYTHING, update)
    after, told = run(training, state, 2)
    assert eqx.tree_equal(after.params.image, jax.device_get(params.image))
    assert not np.allclose(after.params.text.stem, params.text.stem)
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state.optimizer)]
    assert not any("image/" in name for name in names)
    gradient = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(after.params)))
    np.testing.assert_allclose(told[-1]["l2_params"], gradient, rtol=1e-5)


def test_traced_without_devices() -> None:
    training, state = training_of(Toy(jax.random.key(0)), {"data": 16, "fsdp": 16}, EVERYTHING)
    shapes = {
        name: jax.ShapeDtypeStruct((1024, *value.shape[1:]), value.dtype)
        for name, value in batches(1)[0].items()
    }
    jaxpr = abstract_step(training, jax.eval_shape(lambda: state), shapes)
    assert "shard_map" in str(jaxpr)


@pytest.fixture(scope="module", params=[Pairs(), Kept()], ids=["pairs", "kept"])
def at_once(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """A loss of examples that meet, or that count differently, and three steps of one device with the whole batch."""
    return request.param, run(*training_of(Toy(jax.random.key(0)), {"data": 1}, loss=request.param), 3)


@pytest.mark.parametrize("axes", [{"data": 1}, {"data": 2, "fsdp": 2}], ids=str)
def test_accumulation_is_exact(axes: dict[str, int], at_once: tuple[Any, Any]) -> None:
    """Devices and parts with different weights: sums are divided by the global weight, not averaged."""
    loss, (whole, told) = at_once
    layout = EVERYTHING if "fsdp" in axes else ()
    parts, also = run(*training_of(Toy(jax.random.key(0)), axes, layout, loss=loss, parts=4), 3)
    for name in told[0]:
        np.testing.assert_allclose([t[name] for t in also], [t[name] for t in told], rtol=2e-5, err_msg=name)
    assert "kept" not in told[0] or 0 < told[0]["kept"] < 1
    for ours, theirs in zip(jax.tree.leaves(parts.params), jax.tree.leaves(whole.params), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


def test_dropout_is_drawn_by_seed(alone: Any) -> None:
    """With another seed the same run differs; so the agreement of meshes above includes dropout."""
    _, told = run(*training_of(Toy(jax.random.key(0)), {"data": 1}, seed=1), 1)
    assert told[0]["training_loss"] != alone[1][0]["training_loss"]
