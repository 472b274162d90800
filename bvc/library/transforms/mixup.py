"""Mixup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Shaped

from bvc.component import MeshContext, NonNegative, PortError, component

Scope = Literal["global", "device"]


@component("transform")
def mixup(
    batch: Mapping[str, Shaped[Array, "b *dims"]],
    p: NonNegative,
    *,
    key: Key[Array, ""],
    mesh: MeshContext,
    scope: Scope = "global",
) -> dict[str, Shaped[Array, "b *dims"]]:
    """Mix every example with its neighbour in the batch (arXiv:1710.09412; big_vision `utils.mixup`).

    One coefficient a = max(x, 1 - x) with x ~ Beta(p, p) for the whole step; every feature becomes
    a * x + (1 - a) * roll(x, 1). big_vision rolls within a device's part of the batch, so that what is mixed
    depends on the number of devices; here the roll is over the global batch unless `scope` says otherwise.

    Settings:
        p: both parameters of the Beta distribution; 0 mixes nothing
        scope: what is rolled: the global batch, or each device's part of it
    """
    _check(batch)
    if not p:
        return dict(batch)
    return mix(batch, coefficient(key, p), mesh, scope)


def coefficient(key: Key[Array, ""], p: float) -> Float[Array, ""]:
    """The weight of an example itself, in [0.5, 1]."""
    x = jax.random.beta(key, p, p)
    return jnp.maximum(x, 1.0 - x)


def mix(
    batch: Mapping[str, Float[Array, "b *dims"]], a: Float[Array, ""], mesh: MeshContext, scope: Scope
) -> dict[str, Float[Array, "b *dims"]]:
    """The batch mixed with coefficient `a`."""
    last = {name: x[-1:] for name, x in batch.items()}
    if scope == "global":
        # last: [1, ...] of each shard moves on to the next one; the last shard's goes to the first
        last = mesh.pass_on(last)
    neighbours = {name: jnp.concatenate([last[name], x[:-1]]) for name, x in batch.items()}
    return {name: _between(x, neighbours[name], a) for name, x in batch.items()}


def _between(
    x: Float[Array, "b *dims"], y: Float[Array, "b *dims"], a: Float[Array, ""]
) -> Float[Array, "b *dims"]:
    a = a.astype(x.dtype)
    return a * x + (1 - a) * y


def _check(batch: Mapping[str, Shaped[Array, "b *dims"]]) -> None:
    for name, x in batch.items():
        if jnp.issubdtype(x.dtype, jnp.floating):
            continue
        image = x.dtype == jnp.uint8
        raise PortError(
            name,
            f"is {x.dtype}, which has no values between two examples",
            help=f"bring it to floats: add `value_range(-1, 1, key='{name}')` to the pipeline"
            if image
            else f"encode it as one-hot: `onehot(CLASSES, key='{name}', to='labels')`, and keep only what is read",
        )
