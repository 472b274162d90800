from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from bvc.plan.batched import batched_dims
from bvc.plan.ops import Ops

Trace = Callable[..., Ops]
QUERY = jax.ShapeDtypeStruct((6, 4, 3, 8), jnp.float32)
"""batch, tokens, heads, dims of a head"""
MASK = np.tri(4, dtype=bool)[None, None]


def attended(query: jax.Array) -> tuple[jax.Array, jax.Array]:
    weights = jax.nn.softmax(jnp.where(MASK, jnp.einsum("btnk,bsnk->bnts", query, query), -1e9))
    return weights, jnp.einsum("bnts,bsnk->btnk", weights, query)


def test_products_of_heads_keep_batch_and_heads_outside_and_so_does_what_follows(trace: Trace) -> None:
    body = trace(attended, QUERY)
    found = batched_dims(body)
    weights, merged = body.outputs
    assert (found[weights], found[merged]) == ({0, 1}, {0, 2})
    assert body.inputs[0] not in found
    sums = [found[op.outputs[0]] for op in body.ops if op.name == "reduce_sum"]
    assert sums == [{0, 1}]


def test_a_loop_that_collects_them_adds_a_dim_in_front(trace: Trace) -> None:
    def layers(query: jax.Array, masks: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        def layer(x: jax.Array, mask: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
            weights, x = attended(x)
            return x, (jnp.where(mask, weights, 0), ~mask)

        return lax.scan(layer, query, masks)

    body = trace(layers, QUERY, jax.ShapeDtypeStruct((2, 6, 3, 4, 4), jnp.bool_))
    found = batched_dims(body)
    _, dropped, _ = body.outputs
    assert found[dropped] == {1, 2}
    (loop,) = [op for op in body.ops if op.name == "scan"]
    assert found[loop.inner[0].inputs[-1]] == {0, 1}, "a mask lies as what it masks"


def test_projections_have_none(trace: Trace) -> None:
    def project(x: jax.Array, w: jax.Array) -> jax.Array:
        return jnp.einsum("btd,dnk->btnk", x, w)

    body = trace(project, jnp.zeros((6, 4, 8)), jnp.zeros((8, 3, 8)))
    assert not any(batched_dims(body).values())
