"""What is compiled beside something else is found compiled."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from bvc.runtime.ahead import compiling

LIKE = jax.ShapeDtypeStruct((3,), jnp.float32)


def test_a_function_is_traced_and_compiled_once() -> None:
    traced: list[int] = []

    @jax.jit
    def double(x: jax.Array) -> jax.Array:
        traced.append(1)
        return 2 * x

    with compiling(double, LIKE):
        x = jnp.ones(3)
    compiled: list[str] = []

    def listen(event: str, _: float, **__: object) -> None:
        compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        assert double(x).tolist() == [2, 2, 2]
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert traced == [1]
    assert not [event for event in compiled if "backend_compile" in event]


def test_what_goes_wrong_is_raised() -> None:
    @jax.jit
    def broken(x: jax.Array) -> jax.Array:
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"), compiling(broken, LIKE):
        pass
