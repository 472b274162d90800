"""What an objective returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped


class Loss(NamedTuple):
    """The part of a loss that this device's examples contribute.

    The loss of the batch is the sum of `total` over the shards of the batch divided by the sum of `weight`: a
    mean over examples has weight = number of examples, a mean over kept tokens weight = number of kept
    tokens. `metrics` are further (total, weight) pairs that are reduced alike and logged. `statistics` are what the
    model's mutable state learns from, added by the compiler.
    """

    total: Float[Array, ""]
    weight: Float[Array, ""]
    metrics: Mapping[str, tuple[Float[Array, ""], Float[Array, ""]]] = {}
    statistics: Mapping[str, Shaped[Array, "..."]] = {}

    @staticmethod
    def mean(
        values: Float[Array, "*dims"], metrics: Mapping[str, Float[Array, "*dims"]] | None = None
    ) -> Loss:
        """The plain mean of values, one per example (or per place of an example); `metrics` likewise."""
        pairs = {name: (jnp.sum(each), _size(each)) for name, each in (metrics or {}).items()}
        return Loss(jnp.sum(values), _size(values), pairs)


def _size(values: Float[Array, "*dims"]) -> Float[Array, ""]:
    return jnp.float32(values.size)
