from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from bvc.plan.memory.fusion import fuse
from bvc.plan.memory.siblings import awaited
from bvc.plan.ops import Ops

Trace = Callable[..., Ops]
A = jax.ShapeDtypeStruct((16, 16), jnp.float32)


def waiting(body: Ops) -> list[tuple[str, str]]:
    """Pairs of ops: one whose result waits for that of the other."""
    found = awaited(body, fuse(body, "gpu"))
    made = {value: op.name for op in body.ops for value in op.outputs}
    return [(made[value], body.ops[index].name) for value, index in found.items()]


def test_an_activation_that_is_computed_again_waits_for_the_gradient_beside_it(trace: Trace) -> None:
    def beside(x: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
        pre = x @ w
        return jnp.sin(pre) @ w, (pre * (x @ w.T)) @ w

    assert waiting(trace(beside, A, A)) == [("sin", "mul")]


def test_what_the_other_is_computed_from_does_not_wait(trace: Trace) -> None:
    def after(x: jax.Array, w: jax.Array) -> jax.Array:
        pre = x @ w
        return (pre * (jnp.sin(pre) @ w)) @ w

    assert waiting(trace(after, A, A)) == []


def test_what_reads_other_arrays_does_not_wait(trace: Trace) -> None:
    assert waiting(trace(lambda x, w: (jnp.sin(x @ w) @ w, jnp.cos(w @ x) @ w), A, A)) == []
