from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from bvc.plan.doubts import check_doubts
from bvc.plan.ops import RECOMPUTED, Ops
from bvc.plan.plan import Plan
from bvc.plan.target import DeviceKind
from bvc.plan.xla.compiled import Compiled

Trace = Callable[..., Ops]
A = jax.ShapeDtypeStruct((16, 16), jnp.float32)


def parts(body: Ops) -> int:
    return len({op.params[RECOMPUTED] for op in body.ops if RECOMPUTED in op.params})


def layer(x: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.sin(x @ w) @ w


def test_layers_of_a_python_loop_are_seen_and_those_of_a_scan_are_not(trace: Trace) -> None:
    def unrolled(x: jax.Array, w: jax.Array) -> jax.Array:
        for _ in range(3):
            x = jax.checkpoint(layer)(x, w)
        return x.sum()

    def scanned(x: jax.Array, w: jax.Array) -> jax.Array:
        return lax.scan(lambda c, _: (jax.checkpoint(layer)(c, w), None), x, None, length=3)[0].sum()

    assert parts(trace(jax.grad(unrolled), A, A)) == 3
    assert parts(trace(jax.grad(scanned), A, A)) == 0


@pytest.mark.parametrize(
    ("count", "kind", "asked", "codes"),
    [
        (12, "gpu", False, ["B0549"]),
        (12, "tpu", False, ["B0549"]),
        (12, "gpu", True, []),
        (12, "cpu", False, []),
        (1, "gpu", False, []),
    ],
)
def test_who_is_warned(
    planned: Callable[[str], Plan], count: int, kind: DeviceKind, asked: bool, codes: list[str]
) -> None:
    plan = planned("one")
    compiled = Compiled("a compiler", 1, refused=False, seconds=1.0) if asked else None
    plan = replace(plan, recomputed=count, target=replace(plan.target, kind=kind), compiled=compiled)
    assert [each.code for each in check_doubts(plan)] == codes
    assert all(each.severity == "warning" for each in check_doubts(plan))
