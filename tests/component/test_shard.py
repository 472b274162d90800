"""What moves between devices because of a parameter, read from the jaxpr of a step."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Literal

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
from bvc.component import Loss, MeshContext, gather, regather
from bvc.component.execution import Execution, executing
from bvc.component.shard import Shard
from bvc.library.models.vit import Vit
from tests.compile.toy import BATCH, DEPTH, INPUT, WIDTH, Toy, grid_of, shard, training_of, update_of
from tests.modules import abstract

AXES = {"data": 2, "fsdp": 2}
KERNELS = (shard(".*/kernel", "fsdp", dim=0),)


def equations(jaxpr: Any) -> Iterator[Any]:
    """All equations of a jaxpr and of those inside it."""
    for equation in jaxpr.eqns:
        yield equation
        for parameter in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        ):
            inner = getattr(parameter, "jaxpr", parameter)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


@functools.cache
def step_of(remat: str, dtype: Any = jnp.bfloat16, layout: Any = KERNELS, **settings: Any) -> list[Any]:
    model = Toy(jax.random.key(0), remat, dtype)
    training, state = training_of(model, AXES, layout, **settings)
    batch = {name: jax.ShapeDtypeStruct((BATCH, INPUT), jnp.float32) for name in ("image", "text")}
    return list(equations(abstract_step(training, jax.eval_shape(lambda: state), batch).jaxpr))


def moved(found: list[Any], primitive: str) -> list[tuple[str, tuple[int, ...]]]:
    outs = [equation.outvars[0].aval for equation in found if equation.primitive.name.startswith(primitive)]
    return [(str(aval.dtype), aval.shape) for aval in outs]


@pytest.mark.parametrize("remat", ["none", "full", "dots"])
def test_a_layer_is_gathered_twice_and_scattered_once(remat: str) -> None:
    found = step_of(remat)
    towers = 2
    whole, part = (WIDTH, WIDTH), (WIDTH // 2, WIDTH)
    assert moved(found, "all_gather") == [("bfloat16", whole)] * 2 * towers
    assert moved(found, "reduce_scatter") == [("float32", part)] * towers
    sums = moved(found, "psum")
    assert sums.count(("float32", part)) == towers  # the rest of the sum, over `data`, of the part alone
    assert not [shape for _, shape in sums if shape[-2:] == whole]


@pytest.mark.parametrize("remat", ["none", "full", "dots"])
def test_no_whole_weight_waits_for_the_backward_pass(remat: str) -> None:
    residuals = [
        var.aval.shape
        for equation in step_of(remat)
        if equation.primitive.name == "scan"
        for var in equation.outvars
    ]
    assert (DEPTH, WIDTH // 2, WIDTH) in residuals  # the gradient
    assert (DEPTH, WIDTH, WIDTH) not in residuals


def test_replicated_parameters_are_summed_in_the_reduction_dtype() -> None:
    towers = 2
    for reduce in (jnp.float32, jnp.bfloat16):
        sums = moved(step_of("none", None, (), reduce=reduce), "psum")
        dtype = str(jnp.dtype(reduce))
        assert sums.count((dtype, (WIDTH, WIDTH))) == towers
        assert sums.count((dtype, (WIDTH,))) == 2 * towers
        assert sums.count((dtype, (INPUT, WIDTH))) == towers


def test_outside_a_mesh_nothing_happens() -> None:
    module = {"kernel": jnp.ones((2, 3))}
    assert gather(module, jnp.bfloat16)["kernel"] is module["kernel"]


def on_mesh(function: Any, *arrays: Any, vjp: Any = jax.vjp) -> Any:
    """Gradients of a sum over devices; the first array is split over `fsdp`, the others over the batch."""
    grid = grid_of(AXES)
    mesh = grid.place(jax.devices()[: grid.size])
    batch = PartitionSpec(("data", "fsdp"))

    def local(value: Any, *others: Any) -> Any:
        def total(value: Any) -> Any:
            with executing(Execution(grid.context)):
                return grid.context.sum(function(Shard(value, -2, "fsdp"), *others))

        found, pull = vjp(total, value)
        return found, pull(jnp.ones_like(found))[0]

    split = PartitionSpec("fsdp")
    given = (split, *[batch for _ in arrays[1:]])
    mapped = jax.shard_map(local, mesh=mesh, in_specs=given, out_specs=(PartitionSpec(), split))
    return jax.jit(mapped)(*arrays)


@pytest.mark.parametrize("use", ["gather", "again", "twice", "forgotten", "cast"])
def test_gradient_of_a_part(use: str) -> None:
    kernel, x = jax.random.normal(jax.random.key(0), (4, 3)), jax.random.normal(jax.random.key(1), (8, 4))

    def loss(kernel: Any, x: Any) -> Any:
        if isinstance(kernel, Shard):
            assert kernel.shape == (4, 3)
            assert kernel.ndim == 2
        if use in ("gather", "again") and isinstance(kernel, Shard):
            kernel = gather(kernel)
        if use == "twice" and isinstance(kernel, Shard):
            kernel = gather(gather(kernel))
        if use == "cast":
            kernel = kernel.astype(jnp.float32)
        standardized = (kernel - jnp.mean(kernel, axis=0)) / jnp.std(kernel, axis=0)
        return jnp.sum(jnp.tanh(x @ standardized) * (x @ kernel))

    value, gradient = on_mesh(loss, kernel, x, vjp=regather.vjp if use == "again" else jax.vjp)
    wanted, wanted_gradient = jax.value_and_grad(loss)(kernel, x)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-4, atol=1e-6)


def test_context_without_mesh_is_the_identity() -> None:
    alone = MeshContext()
    x = jnp.arange(3.0)
    for same in (alone.sum(x), alone.gather(x), alone.pass_on(x), alone.spread(x)):
        assert same is x
    assert (alone.shards, int(alone.index())) == (1, 0)


@pytest.mark.parametrize("remat", ["none", "full"])
def test_the_layers_of_a_transformer_move_as_little(remat: Literal["none", "full"]) -> None:
    """Attention and MLP with more weights than the toy: two gathers and one scatter for each, nothing else whole."""
    depth = 3
    model = abstract(
        Vit,
        width=16,
        depth=depth,
        heads=2,
        mlp_dim=40,
        patch=2,
        size=(2, 2),
        out_dim=6,
        dtype="bfloat16",
        remat=remat,
    )

    def loss(model: Any, batch: Any, keys: Any, mesh: MeshContext) -> Loss:
        return Loss.mean(jnp.sum(model(batch["image"])["logits"] ** 2, axis=1))

    params, static = eqx.partition(model, is_array)
    grid, update = grid_of(AXES), update_of(params, optax.identity())
    layout = lay_out([shard("blocks/.*/kernel", "fsdp", min_size=0)], params, grid)
    state = jax.eval_shape(lambda: first_state(params, update))
    batch = {"image": jax.ShapeDtypeStruct((8, 2, 2, 3), jnp.float32)}
    found = list(equations(abstract_step(Training(loss, static, layout, update, grid), state, batch).jaxpr))
    wholes = sorted(place.shape[1:] for place in layout.leaves if place.axis)
    assert len(wholes) == 6
    assert sorted(shape for _, shape in moved(found, "all_gather")) == sorted(wholes * 2)
    assert {dtype for dtype, _ in moved(found, "all_gather")} == {"bfloat16"}
    assert len(moved(found, "reduce_scatter")) == 6
    assert {dtype for dtype, _ in moved(found, "reduce_scatter")} == {"float32"}
    assert not [shape for _, shape in moved(found, "psum") if shape in wholes]
    kept = [var.aval.shape for each in found if each.primitive.name == "scan" for var in each.outvars]
    assert not [shape for shape in kept if shape[:1] == (depth,) and shape[1:] in wholes]
