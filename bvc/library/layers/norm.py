"""Layer norm (arXiv:1607.06450), and vectors of norm 1."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from bvc.library.layers.initializers import ones, zeros
from bvc.library.layers.tap import tap


class LayerNorm(eqx.Module):
    """Normalizes the last dim; statistics and result are float32 whatever the precision of `x`.

    `exact` takes the mean out before it squares, instead of subtracting the squared mean.
    """

    scale: Float[Array, "d"]
    bias: Float[Array, "d"] | None
    epsilon: float = eqx.field(static=True)
    exact: bool = eqx.field(static=True)

    def __init__(self, width: int, *, epsilon: float = 1e-6, bias: bool = True, exact: bool = False) -> None:
        self.scale = ones((width,))
        self.bias = zeros((width,)) if bias else None
        self.epsilon = epsilon
        self.exact = exact

    def __call__(self, x: Float[Array, "*b d"]) -> Float[Array, "*b d"]:
        """Normalize each token."""
        x = x.astype(jnp.float32)
        # The square's mean comes first: XLA on CPU then keeps the gradients of different layers in separate
        # fusions, which makes a ViT's backward pass 1.4 times as fast.
        mean_of_square = jnp.mean(jnp.square(x), axis=-1, keepdims=True)
        mean = jnp.mean(x, axis=-1, keepdims=True)
        variance = mean_of_square - jnp.square(mean)
        # not a maximum, whose gradient splits ties: a kernel more on CPU
        variance = jnp.where(variance < 0.0, 0.0, variance)
        if self.exact:
            variance = jnp.mean(jnp.square(x - mean), axis=-1, keepdims=True)
        y = (x - mean) * (lax.rsqrt(variance + self.epsilon) * self.scale.astype(jnp.float32))
        return y if self.bias is None else y + self.bias.astype(jnp.float32)


def unit_norm(x: Float[Array, "b d"]) -> Float[Array, "b d"]:
    """Each vector over its length."""
    square = jnp.sum(jnp.square(x), axis=1, keepdims=True)
    # A head that starts at zero gives zero embeddings, where the root alone has no finite gradient.
    norm = jnp.where(square == 0, 0.0, jnp.sqrt(jnp.where(square == 0, 1.0, square)))
    tap("norm", norm)
    x = x / (norm + 1e-8)
    tap("normalized", x)
    return x
