"""The MLP of a transformer block: two linear maps with a GELU between them."""

from __future__ import annotations

import math

import equinox as eqx
import jax
from jaxtyping import Array, Float

from bvc.library.layers.dense import Dense, Dtype
from bvc.library.layers.dropout import Keys, dropout
from bvc.library.layers.initializers import RandomKey, lecun_normal, normal, xavier_uniform, zeros


class Mlp(eqx.Module):
    """`down(gelu(up(x)))` with dropout on the hidden units; GELU by its tanh approximation.

    Kernels start Xavier-uniform and biases near zero, or with `lecun` LeCun-normal and at zero.
    """

    up: Dense
    down: Dense
    drop: float = eqx.field(static=True)

    def __init__(
        self,
        width: int,
        hidden: int,
        *,
        lecun: bool = False,
        bias: bool = True,
        drop: float = 0.0,
        dtype: Dtype = "float32",
        key: RandomKey,
    ) -> None:
        kernel_key, bias_key = jax.random.split(key)
        # Kernels, and biases, are drawn together where they have one distribution: each draw costs compile time.
        if lecun:
            draw = lecun_normal(kernel_key, (2, width * hidden), fan_in=1)
            up, down = draw[0] / math.sqrt(width), draw[1] / math.sqrt(hidden)
            biases = zeros((hidden + width,))
        else:
            up, down = xavier_uniform(kernel_key, (2, width * hidden), width, hidden)
            biases = normal(bias_key, (hidden + width,), 1e-6)
        self.up = Dense(up.reshape(width, hidden), biases[:hidden] if bias else None, dtype)
        self.down = Dense(down.reshape(hidden, width), biases[hidden:] if bias else None, dtype)
        self.drop = drop

    def __call__(self, x: Float[Array, "b t d"], *, keys: Keys = None) -> Float[Array, "b t d"]:
        """The MLP on each token."""
        return self.down(dropout(jax.nn.gelu(self.up(x)), self.drop, keys))
