from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest
from jax import lax
from jax.sharding import PartitionSpec

from bvc.plan.memory import liveness
from bvc.plan.memory.fusion import fuse
from bvc.plan.memory.liveness import peak_memory
from bvc.plan.memory.order import beside, gathering, heaviest_first, largest_first, made_early, postponed
from bvc.plan.ops import Ops, read_step

Trace = Callable[..., Ops]
A = jax.ShapeDtypeStruct((16, 16), jnp.float32)
KIB = 2**10


def test_room_for_what_a_forward_loop_collects_is_there_from_the_start(trace: Trace) -> None:
    """The layers come after a wide product; both are in memory at once."""

    def loss(w: jax.Array, wide: jax.Array) -> jax.Array:
        x = lax.stop_gradient((wide.T @ wide) / 2)
        return lax.scan(lambda c, _: (jnp.sin(c @ w), None), x, None, length=8)[0].sum()

    body = trace(jax.grad(loss), A, jax.ShapeDtypeStruct((1, 16), jnp.float32))
    early = made_early(body, fuse(body, "gpu"))
    assert {value.shape for value in early} == {(8, 16, 16)}
    first = peak_memory(body, [False, False], "gpu").moments[0]
    assert first.bytes >= sum(value.bytes for value in early)


def test_room_of_the_same_form_for_gradients_is_made_with_it(trace: Trace) -> None:
    """The layers' inputs are kept, as (8, 16, 16) numbers; so many are the gradients of square weights."""

    def early(dtype: str) -> set[str]:
        def loss(ws: jax.Array, x: jax.Array) -> jax.Array:
            return lax.scan(lambda c, w: (jnp.sin(c @ w.astype(c.dtype)), None), x, ws)[0].sum()

        body = trace(jax.grad(loss), jnp.zeros((8, 16, 16), dtype), A)
        found = made_early(body, fuse(body, "gpu"))
        return {"backward" if "transpose" in op.scope else "forward" for at, op in found.values() if at == 0}

    assert early("float32") == {"forward", "backward"}
    assert early("bfloat16") == {"forward"}


def test_room_for_gradients_of_two_towers_is_made_before_the_first_goes_back(trace: Trace) -> None:
    def tower(ws: jax.Array, x: jax.Array) -> jax.Array:
        return lax.scan(lambda c, w: (jnp.sin(c @ w), None), x, ws)[0].sum()

    def loss(ws: jax.Array, others: jax.Array, x: jax.Array) -> jax.Array:
        return tower(ws, x) * tower(others, x)

    deep, shallow, rows = (
        jax.ShapeDtypeStruct((*lead, 16), jnp.float32) for lead in ((8, 16), (6, 16), (4,))
    )
    body = trace(jax.grad(loss, argnums=(0, 1)), deep, shallow, rows)
    back = [at for at, op in enumerate(body.ops) if op.name == "scan" and "transpose" in op.scope]
    early = made_early(body, fuse(body, "gpu"))
    room = {value.shape: index for value, (index, op) in early.items() if "transpose" in op.scope}
    assert room == {deep.shape: back[0], shallow.shape: back[0]}


def test_the_gradient_of_the_logits_waits_for_the_update(trace: Trace) -> None:
    """With the last layer's inputs, unlike those of the layer before."""
    sizes = {"x": (4, 8), "first": (8, 16), "last": (16, 32)}

    def step(first: jax.Array, last: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        def loss(weights: tuple[jax.Array, jax.Array]) -> jax.Array:
            return jnp.sin(jnp.sin(x @ weights[0]) @ weights[1]).sum()

        gradients = jax.grad(loss)((first, last))
        return first - gradients[0], last - gradients[1]

    shapes = [jax.ShapeDtypeStruct(sizes[name], jnp.float32) for name in ("first", "last", "x")]
    body = trace(step, *shapes)
    updates = {op.outputs[0].shape: at for at, op in enumerate(body.ops) if op.name == "sub"}
    found = {value.shape: until for value, until in postponed(body, fuse(body, "gpu")).items()}
    assert found[(4, 32)] == updates[(16, 32)]
    assert (4, 8) not in found


def test_of_two_towers_the_wider_goes_back_first_where_the_order_is_free(trace: Trace) -> None:
    def tower(w: jax.Array, x: jax.Array) -> jax.Array:
        return lax.scan(lambda c, _: (jnp.sin(c @ w), None), x, None, length=8)[0].sum()

    def loss(w: jax.Array, small: jax.Array, large: jax.Array) -> jax.Array:
        return tower(w, large) * tower(w, small)

    def widths(body: Ops) -> list[int]:
        return [op.outputs[0].shape[0] for op in body.ops if op.name == "scan"]

    wide = jax.ShapeDtypeStruct((64, 16), jnp.float32)
    body = trace(jax.grad(loss, argnums=(1, 2)), A, A, wide)
    moved = heaviest_first(body, lambda loop: loop.outputs[0].bytes)
    assert widths(body) == [64, 16, 16, 64]
    assert widths(moved) == [64, 16, 64, 16]
    assert set(moved.ops) == set(body.ops)
    made: set[object] = {value for op in body.ops for value in op.outputs}
    for op in moved.ops:  # nothing is read before it is made
        assert not made & set(op.inputs)
        made -= set(op.outputs)


def test_a_frozen_tower_runs_beside_what_the_trained_one_left(trace: Trace) -> None:
    def tower(w: jax.Array, x: jax.Array) -> jax.Array:
        return lax.scan(lambda c, _: (jnp.sin(c @ w), None), x, None, length=8)[0].sum()

    def loss(w: jax.Array, image: jax.Array, text: jax.Array) -> jax.Array:
        return lax.stop_gradient(tower(w, image)) * tower(w, text)

    def collected(body: Ops) -> list[int]:
        return [len(op.outputs) - 1 for op in body.ops if op.name == "scan" and "transpose" not in op.scope]

    body = trace(jax.grad(loss, argnums=2), A, A, jax.ShapeDtypeStruct((8, 16), jnp.float32))
    moved = largest_first(body)
    assert collected(body) == [0, 1]
    assert collected(moved) == [1, 0]
    assert set(moved.ops) == set(body.ops)
    assert largest_first(moved) is moved


def gathered(chained: bool) -> Ops:
    """Two stacks of layers whose weights are gathered in the loop; the second reads the first, or both read x."""

    def stack(ws: jax.Array, x: jax.Array) -> jax.Array:
        def layer(carry: jax.Array, w: jax.Array) -> tuple[jax.Array, None]:
            return jnp.sin(carry @ lax.all_gather(w, "fsdp", tiled=True)), None

        return lax.scan(jax.checkpoint(layer, prevent_cse=False), x, ws)[0]

    def loss(ws: jax.Array, others: jax.Array, x: jax.Array) -> jax.Array:
        y = stack(ws, x)
        return stack(others, y if chained else x).sum() * y.sum()

    shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((8, 4, 16), (6, 4, 16), (64, 16))]
    step = jax.make_jaxpr(jax.grad(loss, argnums=(0, 1)), axis_env=[("fsdp", 4)])(*shapes)
    return read_step(step, {"fsdp": 4}, [PartitionSpec()] * 3, [""] * 3)


@pytest.mark.parametrize("chained", [False, True])
def test_loops_that_gather_weights_begin_at_the_same_time(trace: Trace, chained: bool) -> None:
    body = gathered(chained)
    first, second = gathering(body)
    assert beside(body) == {first: [(second, not chained)], second: []}
    replicated = trace(jax.grad(lambda w, x: lax.scan(lambda c, _: (c @ w, None), x, None, 8)[0].sum()), A, A)
    assert not gathering(replicated)


def test_two_loops_that_begin_together_take_memory_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a free one; of one that waits for the other what is computed again."""

    def peaks(chained: bool) -> tuple[int, int]:
        body = gathered(chained)
        together = peak_memory(body, [False] * 3, "gpu")
        assert together.bytes == sum(size for size, _ in together.live)
        with monkeypatch.context() as patch:
            patch.setattr(liveness, "beside", lambda body: {})
            return together.bytes, peak_memory(body, [False] * 3, "gpu").bytes

    for chained in (False, True):
        together, apart = peaks(chained)
        assert together > apart
