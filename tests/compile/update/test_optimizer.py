"""Rules, and that stacking layers changes no number."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bvc.compile.update.optimizer import Update
from bvc.compile.update.rules import treat
from bvc.component.names import leaf_names
from bvc.diagnostics import Failed
from bvc.ir import Optimizer
from bvc.library.optimizers.adafactor import adafactor
from bvc.library.optimizers.adam import adam
from bvc.library.optimizers.momentum_hp import momentum_hp
from tests.compile.toy import DEPTH, ORIGIN, Toy, rule, update_of


@pytest.fixture(scope="module")
def toy() -> Any:
    return eqx.filter(Toy(jax.random.key(0)), eqx.is_array)


def treatments(model: Any, *rules: Any) -> dict[str, Any]:
    found = treat(Optimizer(None, 1.0, 0.0, None, None, rules, ORIGIN), model)  # type: ignore[arg-type]
    return {leaf.name: leaf for leaf in found.leaves}


def codes(model: Any, *rules: Any) -> list[str]:
    with pytest.raises(Failed) as failed:
        treatments(model, *rules)
    return [diagnostic.code for diagnostic in failed.value.diagnostics]


def test_defaults(toy: Any) -> None:
    found = treatments(toy)
    assert found["image/blocks/*/kernel"].decay_mult == (1.0,) * DEPTH
    assert found["image/stem"].decay_mult == (0.0,)
    assert found["temperature"].trained == (True,)


def test_a_parameter_called_plainly_kernel_is_not_decayed() -> None:
    assert treatments({"kernel": jnp.ones((2, 2))})["kernel"].decay_mult == (0.0,)


def test_each_property_takes_its_first_match(toy: Any) -> None:
    found = treatments(
        toy,
        rule("image/.*", lr_mult=0.1),
        rule(".*/bias", lr_mult=2.0, decay_mult=0.5),
        rule(".*/00/.*", freeze=True),
    )
    assert found["image/blocks/*/bias"].lr_mult == (0.1,) * DEPTH
    assert found["image/blocks/*/bias"].decay_mult == (0.5,) * DEPTH
    assert found["text/blocks/*/bias"].lr_mult == (2.0,) * DEPTH
    assert found["text/blocks/*/kernel"].trained == (False, *(True,) * (DEPTH - 1))


def test_a_pattern_that_matches_nothing(toy: Any) -> None:
    assert codes(toy, rule("img/.*", freeze=True)) == ["B0320"]
    assert codes(toy, rule(".*", freeze=True)) == ["B0322"]


def unstacked(model: Any) -> dict[str, Any]:
    """The same parameters, every layer an array of its own."""
    found: dict[str, Any] = {}
    for name, leaf in zip(leaf_names(model), jax.tree.leaves(model), strict=True):
        if "*" not in name:
            found[name] = leaf
        for layer in range(DEPTH) if "*" in name else ():
            found[name.replace("*", f"{layer:02d}")] = leaf[layer]
    return dict(sorted(found.items()))


@pytest.mark.parametrize(
    "transform",
    [adam(mu_dtype="bfloat16"), adafactor(min_dim_size_to_factor=4, clipping_threshold=0.5), momentum_hp()],
)
def test_stacking_changes_no_number(transform: optax.GradientTransformation, toy: Any) -> None:
    rules = [
        rule(".*/blocks/01/.*", lr_mult=0.25),
        rule(".*/blocks/02/.*", freeze=True),
        rule(".*/bias", decay_mult=3.0),
    ]
    settings: dict[str, Any] = {"weight_decay": 0.1, "clip_norm": 0.7}
    flat = unstacked(toy)
    ours, theirs = update_of(toy, transform, rules, **settings), update_of(flat, transform, rules, **settings)
    apply, alike = jitted(ours), jitted(theirs)
    now, apart = toy, flat
    state, other = ours.init(toy), theirs.init(flat)
    for step in range(3):
        keys = iter(jax.random.split(jax.random.key(step), 100))
        gradients = jax.tree.map(lambda leaf, keys=keys: jax.random.normal(next(keys), leaf.shape), toy)
        alone = [
            gradient if moves else None
            for gradient, moves in zip(unstacked(gradients).values(), theirs.trained, strict=True)
        ]
        now, state, told = apply(jax.tree.leaves(gradients), state, now, step)
        apart, other, also = alike(alone, other, apart, step)
        for name in told:
            np.testing.assert_allclose(told[name], also[name], rtol=1e-5, err_msg=name)
    for name, leaf in unstacked(now).items():
        np.testing.assert_allclose(leaf, apart[name], rtol=1e-5, atol=1e-7, err_msg=name)
    np.testing.assert_array_equal(unstacked(now)["text/blocks/02/kernel"], flat["text/blocks/02/kernel"])


def jitted(update: Update) -> Any:
    return jax.jit(lambda gradients, state, params, step: tuple(update(gradients, state, params, step)))


def test_schedules_by_layer() -> None:
    model = {"a": jnp.ones(2), "b": jnp.ones(2)}
    leaves = treat(Optimizer(None, 1.0, 0.0, None, None, (), ORIGIN), model).leaves  # type: ignore[arg-type]
    one, two = leaves[0], leaves[1]
    schedules = [lambda step: jnp.asarray(2.0), lambda step: step + 1.0]
    other = type(two)(two.name, None, (True,), (1.0,), (0.0,), (1,))
    update = Update(optax.identity(), [one, other], schedules, lr=0.5)
    after = update([jnp.ones(2), jnp.ones(2)], update.init(model), model, jnp.asarray(3))
    np.testing.assert_allclose(after.params["a"], 1 - 0.5 * 2)
    np.testing.assert_allclose(after.params["b"], 1 - 0.5 * 4)
    assert float(after.metrics["global_schedule"]) == 2.0
    assert float(after.metrics["global_schedule1"]) == 4.0
