from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from bvc.plan.fusion import fuse
from bvc.plan.liveness import peak_memory
from bvc.plan.ops import Ops
from bvc.plan.order import made_first, postponed

Trace = Callable[..., Ops]
A = jax.ShapeDtypeStruct((16, 16), jnp.float32)
KIB = 2**10


def test_room_for_what_a_forward_loop_collects_is_there_from_the_start(trace: Trace) -> None:
    """The layers come after a wide product; both are in memory at once."""

    def loss(w: jax.Array, wide: jax.Array) -> jax.Array:
        x = lax.stop_gradient((wide.T @ wide) / 2)
        return lax.scan(lambda c, _: (jnp.sin(c @ w), None), x, None, length=8)[0].sum()

    body = trace(jax.grad(loss), A, jax.ShapeDtypeStruct((1, 16), jnp.float32))
    early = made_first(body, fuse(body, "gpu"))
    assert {value.shape for value in early} == {(8, 16, 16)}
    first = peak_memory(body, [False, False], "gpu").moments[0]
    assert first.bytes >= sum(value.bytes for value in early)


def test_the_operands_of_a_weights_gradient_wait_for_the_update(trace: Trace) -> None:
    def step(w: jax.Array, x: jax.Array) -> jax.Array:
        gradient = jax.grad(lambda w: jnp.sin(x @ w).sum())(w)
        return w - gradient * (x @ x @ x)

    body = trace(step, A, A)
    update = max(index for index, op in enumerate(body.ops) if op.name == "sub")
    assert update in postponed(body, fuse(body, "gpu")).values()
