from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import Literal

from bvc.plan.spread import Spread, local_shape, spread_outputs

X = (("data",), ())


@pytest.mark.parametrize(
    ("function", "expected", "sums"),
    [
        (lambda x: x * 2, X, ()),
        (lambda x: jnp.sum(x, 1), (("data",),), ()),
        (lambda x: jnp.sum(x, 0), ((),), ("data",)),
        (lambda x: jnp.max(x), (), ("data",)),
        (lambda x: x.T, ((), ("data",)), ()),
        (lambda x: jax.lax.broadcast_in_dim(x, (8, 3, 6), (0, 2)), (("data",), (), ()), ()),
        (lambda x: x.reshape(8, 2, 3), (("data",), (), ()), ()),
        (lambda x: x.reshape(48), ((),), ()),
        (lambda x: jax.lax.dot(x, jnp.ones((6, 4))), (("data",), ()), ()),
        (lambda x: jax.lax.dot(jnp.ones((4, 8)), x), ((), ()), ("data",)),
        (lambda x: jax.lax.squeeze(x[:, :1], (1,)), (("data",),), ()),
    ],
)
def test_where_a_split_dim_goes(
    function: Callable[[Any], Any], expected: Spread, sums: tuple[str, ...]
) -> None:
    jaxpr = jax.make_jaxpr(function)(jnp.ones((8, 6))).jaxpr
    known: dict[Any, Spread] = {jaxpr.invars[0]: X}
    found: list[str] = []
    for eqn in jaxpr.eqns:
        spreads, axes = spread_outputs(
            eqn, [() if isinstance(var, Literal) else known.get(var, ()) for var in eqn.invars]
        )
        known.update(zip(eqn.outvars, spreads, strict=True))
        found += axes
    last = known[jaxpr.outvars[0]]
    rank = len(jaxpr.outvars[0].aval.shape)
    assert (*last, *((),) * (rank - len(last))) == expected
    assert tuple(found) == sums


def test_a_dim_that_does_not_divide_is_padded() -> None:
    assert local_shape((10, 6), (("data", "fsdp"),), {"data": 2, "fsdp": 2}) == (3, 6)
