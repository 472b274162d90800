"""Whole weights are gathered again for the backward pass, wherever in a model they are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec

from bvc.compile.construct import is_array
from bvc.compile.mesh.layout import lay_out
from bvc.compile.step.state import first_state
from bvc.compile.step.step import Training, abstract_step
from bvc.component import Loss, MeshContext, Stack, layers, regather
from bvc.component.execution import Execution, executing
from bvc.component.shard import Shard
from bvc.library.models.bit_paper import BitPaper
from bvc.library.models.vit import Vit
from bvc.plan.ops import Ops, read_step
from bvc.plan.place import pass_of
from tests.compile.toy import grid_of, shard, update_of
from tests.modules import abstract

AXES = {"data": 2, "fsdp": 2}
MODELS: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "bit": (BitPaper, 40, {"depth": (1, 2), "width": 0.5, "out_dim": 44}),
    "vit": (
        Vit,
        20,
        {"width": 24, "depth": 3, "heads": 2, "mlp_dim": 56, "patch": 5, "size": (20, 20)}
        | {"pool": "map", "rep_size": 40, "out_dim": 44, "dtype": "bfloat16"},
    ),
}


def read(model: Any, side: int, parts: int) -> tuple[Ops, list[tuple[int, ...]]]:
    """The ops of a step with every matrix split over `fsdp`, and the shapes of the whole ones."""

    def loss(model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        return Loss.mean(jnp.sum(model(batch["image"])["logits"] ** 2, axis=1))

    loss.coupled = False  # type: ignore[attr-defined]
    params, static = eqx.partition(model, is_array)
    grid, update = grid_of(AXES), update_of(params, optax.identity())
    layout = lay_out([shard(".*/kernel", "fsdp", min_size=0)], params, grid)
    state = jax.eval_shape(lambda: first_state(params, update))
    batch = {"image": jax.ShapeDtypeStruct((8, side, side, 3), jnp.float32)}
    step = abstract_step(Training(loss, static, layout, update, grid, parts=parts), state, batch)
    laid = [PartitionSpec(), *layout.specs, grid.batch_spec]
    shapes = [
        leaf.shape[1:] if place.name.count("/*") else leaf.shape
        for place, leaf in zip(layout.leaves, jax.tree.leaves(params), strict=True)
        if place.axis
    ]
    return read_step(step, AXES, laid, [""] * len(laid)), shapes


def form(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of all that a transposition or a reshape around dims of 1 leaves alike."""
    return tuple(sorted(size for size in shape if size > 1))


def waiting(body: Ops) -> Iterator[tuple[int, ...]]:
    """Shapes of what the forward pass makes and the backward pass reads; `pvary` makes nothing."""
    made = (op for op in body.ops if pass_of(op) == "forward" and op.name != "pvary")
    forward = {value for op in made for value in op.outputs}
    for op in body.ops:
        if pass_of(op) in ("backward", "recomputed"):
            yield from (value.shape for value in op.inputs if value in forward)
        for part in op.inner:
            yield from waiting(part)


@pytest.mark.parametrize(("name", "parts"), [("bit", 1), ("vit", 2)])
def test_no_whole_weight_of_a_model_waits(name: str, parts: int) -> None:
    model, side, settings = MODELS[name]
    step, wholes = read(abstract(model, **settings), side, parts)
    forms = {form(whole) for whole in wholes}
    kept = [*waiting(step)]
    assert len(wholes) > 10 and len(kept) > 20
    assert not [shape for shape in kept if form(shape) in forms or form(shape[1:]) in forms]


class Layer(eqx.Module):
    """One product."""

    kernel: Any


def test_layers_may_read_what_is_around_them() -> None:
    """A layer's function closes over activations, which have gradients, and over keys, which have none."""
    kernels, x = jax.random.normal(jax.random.key(0), (2, 4, 4)), jax.random.normal(jax.random.key(1), (4, 4))
    grid = grid_of(AXES)
    rows = PartitionSpec(("data", "fsdp"))

    def total(kernels: Any, x: Any, keys: Any) -> Any:
        around, noise = jnp.sin(x), jax.vmap(jax.random.fold_in, (0, None))(keys, 3)

        def apply(layer: Any, x: Any, _: Any) -> Any:
            return jnp.tanh(x @ layer.kernel) * around + jax.vmap(lambda key: jax.random.normal(key, (4,)))(
                noise
            )

        return jnp.sum(layers(Stack(Layer(kernels), 2), x, apply))

    def local(kernels: Any, x: Any, keys: Any) -> Any:
        def summed(kernels: Any, x: Any) -> Any:
            with executing(Execution(grid.context, unroll=True)):
                return grid.context.sum(total(Shard(kernels, -2, "fsdp"), x, keys))

        value, pull = regather.vjp(summed, kernels, x)
        return value, pull(jnp.ones_like(value))

    split = PartitionSpec(None, "fsdp")
    found = jax.shard_map(
        local,
        mesh=grid.place(jax.devices()[: grid.size]),
        in_specs=(split, rows, rows),
        out_specs=(PartitionSpec(), (split, rows)),
    )
    keys = jax.random.split(jax.random.key(2), 4)
    wanted = jax.value_and_grad(total, argnums=(0, 1))(kernels, x, keys)
    for one, other in zip(*map(jax.tree.leaves, (jax.jit(found)(kernels, x, keys), wanted)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
