"""The MLP of a transformer block: two linear maps with a GELU between them."""

from __future__ import annotations

import equinox as eqx
import jax
from jaxtyping import Array, Float

from bvc.library.layers.dense import Dense, Dtype
from bvc.library.layers.dropout import Keys, dropout
from bvc.library.layers.initializers import RandomKey, normal, xavier_uniform


class Mlp(eqx.Module):
    """`down(gelu(up(x)))` with dropout on the hidden units; GELU by its tanh approximation."""

    up: Dense
    down: Dense
    drop: float = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        hidden: int,
        *,
        out: int | None = None,
        drop: float = 0.0,
        dtype: Dtype = "float32",
        key: RandomKey,
    ) -> None:
        out = width if out is None else out
        kernel_up, bias_up, kernel_down, bias_down = jax.random.split(key, 4)
        self.up = Dense(
            xavier_uniform(kernel_up, (width, hidden), width, hidden), normal(bias_up, (hidden,), 1e-6), dtype
        )
        self.down = Dense(
            xavier_uniform(kernel_down, (hidden, out), hidden, out), normal(bias_down, (out,), 1e-6), dtype
        )
        self.drop = drop

    def __call__(self, x: Float[Array, "b t d"], *, keys: Keys = None) -> Float[Array, "b t d"]:
        return self.down(dropout(jax.nn.gelu(self.up(x)), self.drop, keys))
