from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest
from jax import lax
from jax.sharding import AbstractMesh, AxisType, PartitionSpec

from bvc.plan.ops import Ops, read_step

Trace = Callable[..., Ops]
F32 = jnp.float32


def array(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, F32)


def names(body: Ops) -> list[str]:
    return [op.name for op in body.ops]


def test_calls_are_inlined_and_what_nobody_needs_is_gone(trace: Trace) -> None:
    @jax.jit
    def inner(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jnp.sin(x), jnp.exp(x)

    body = trace(lambda x: inner(x)[0], array(4))
    assert names(body) == ["sin"]
    assert body.ops[0].inputs == body.inputs


def test_a_loop_keeps_its_body(trace: Trace) -> None:
    body = trace(lambda x, w: lax.scan(lambda c, m: (c @ m, None), x, w)[0], array(2, 4), array(3, 4, 4))
    (loop,) = (op for op in body.ops if op.inner)
    assert (loop.repeats, names(loop.inner[0])) == (3, ["dot_general"])
    assert [value.shape for value in loop.inner[0].sliced] == [(4, 4)]


def test_an_unrolled_loop_is_written_out(trace: Trace) -> None:
    def stack(x: jax.Array, w: jax.Array) -> jax.Array:
        return lax.scan(lambda c, m: (c @ m, None), x, w, unroll=3)[0]

    assert names(trace(stack, array(2, 4), array(3, 4, 4))).count("dot_general") == 3


@pytest.mark.parametrize("reverse", [False, True])
def test_what_one_unrolled_loop_stacks_another_takes_apart(trace: Trace, reverse: bool) -> None:
    def there_and_back(x: jax.Array) -> jax.Array:
        _, ys = lax.scan(lambda c, _: (c + 1, c), x, None, length=3, unroll=3, reverse=reverse)
        return lax.scan(lambda c, y: (c * y, None), x, ys, unroll=3)[0]

    body = trace(there_and_back, array(4))
    assert "concatenate" not in names(body)
    order = [op.inputs[1] for op in body.ops if op.name == "mul"]
    made = [body.inputs[0], *(op.outputs[0] for op in body.ops if op.name == "add")]
    assert order == (made[:3][::-1] if reverse else made[:3])


@pytest.mark.parametrize(("prevent_cse", "products"), [(False, 2), (True, 3)])
def test_recomputation_counts_only_where_the_compiler_may_not_undo_it(
    trace: Trace, prevent_cse: bool, products: int
) -> None:
    """x @ w forward, its gradient backward, and x @ w again if that is kept apart."""

    def loss(w: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.sum(jax.checkpoint(lambda m: jnp.sin(x @ m), prevent_cse=prevent_cse)(w))

    body = trace(jax.value_and_grad(loss), array(4, 4), array(2, 4))
    assert names(body).count("dot_general") == products


def test_shapes_are_those_of_one_device() -> None:
    mesh = AbstractMesh((2, 4), ("data", "fsdp"), axis_types=(AxisType.Auto,) * 2)

    def local(x: jax.Array, w: jax.Array) -> jax.Array:
        return x @ lax.all_gather(w, "fsdp", axis=0, tiled=True)

    specs = (PartitionSpec(("data", "fsdp")), PartitionSpec("fsdp"))
    inside = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=specs[0])
    step = jax.make_jaxpr(lambda x, w: jnp.sum(2 * inside(x, w), 0))(array(16, 8), array(8, 6))
    body = read_step(step, {"data": 2, "fsdp": 4}, specs, ["x", "w"])
    shapes = {op.name: op.outputs[0].shape for op in body.ops}
    assert [value.shape for value in body.inputs] == [(2, 8), (2, 6)]
    assert shapes["all_gather"] == (8, 6)
    assert shapes["dot_general"] == shapes["mul"] == (2, 6)
    (total,) = (op for op in body.ops if op.name == "reduce_sum")
    assert total.sums == ("data", "fsdp")
    assert total.outputs[0].shape == (6,)
