from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from bvc.plan.ops import Ops
from bvc.plan.roofline import Roofline, time_step
from bvc.plan.target import Target

Trace = Callable[..., Ops]
RATES = {"bfloat16": 1e12, "float32": 1e11}
CHIP = Target("a chip", "tpu", 1, 2**34, memory_rate=1e9, link_rate=1e8, flop_rate=RATES)


def timed(body: Ops, sent: int = 0) -> Roofline:
    found = time_step(body, sent, CHIP)
    assert found is not None
    return found


def square(size: int, dtype: str) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((size, size), dtype)


@pytest.mark.parametrize(("dtype", "width"), [("bfloat16", 2), ("float32", 4)])
def test_a_small_product_waits_for_memory_and_a_large_one_does_not(
    trace: Trace, dtype: str, width: int
) -> None:
    for size in (64, 4096):
        found = timed(trace(jnp.matmul, square(size, dtype), square(size, dtype)))
        assert found.products == pytest.approx(2 * size**3 / RATES[dtype])
        assert found.computation == pytest.approx(max(found.products, 3 * width * size**2 / 1e9))


def test_what_is_fused_reads_and_writes_once(trace: Trace) -> None:
    body = trace(lambda x: jnp.exp(jnp.sin(x) + 1) * 2, square(64, "float32"))
    assert timed(body).computation == pytest.approx(2 * 4 * 64**2 / 1e9)


def test_a_loop_takes_as_long_as_its_iterations(trace: Trace) -> None:
    def repeat(x: jax.Array, length: int) -> jax.Array:
        return jax.lax.scan(lambda c, _: (c @ c, None), x, None, length=length)[0]

    one, five = (timed(trace(lambda x, n=n: repeat(x, n), square(64, "float32"))) for n in (2, 10))
    assert five.computation == pytest.approx(5 * one.computation)


def test_collectives_run_beside_the_computation(trace: Trace) -> None:
    body = trace(jnp.matmul, square(64, "float32"), square(64, "float32"))
    assert timed(body, sent=10**8).step == 1.0
    assert timed(body, sent=1).step == timed(body).computation


def test_what_goes_to_other_slices_takes_the_network(trace: Trace) -> None:
    body = trace(jnp.matmul, square(64, "float32"), square(64, "float32"))
    found = time_step(body, 10**8, replace(CHIP, network_rate=1e7), 10**7)
    assert found is not None
    assert found.collectives == pytest.approx(0.9 + 1.0)
    assert time_step(body, 10**8, CHIP, 10**7) is None


def test_nothing_is_said_where_rates_are_unknown(trace: Trace) -> None:
    assert time_step(trace(jnp.sin, square(4, "float32")), 0, Target("here", "cpu", 1, 2**30)) is None
