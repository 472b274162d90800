"""Attention pooling: one learned query reads the sequence (arXiv:2106.04560, arXiv:1810.00825)."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.library.layers.attention import Attention, Mask
from bvc.library.layers.initializers import RandomKey, xavier_uniform
from bvc.library.layers.mlp import Mlp
from bvc.library.layers.norm import LayerNorm


class MapHead(eqx.Module):
    """The probe attends to the sequence, then `x + mlp(norm(x))`; computed in float32."""

    probe: Float[Array, "1 1 d"]
    attention: Attention
    norm: LayerNorm
    mlp: Mlp

    def __init__(self, width: int, heads: int, hidden: int, *, key: RandomKey) -> None:
        probe_key, attention_key, mlp_key = jax.random.split(key, 3)
        self.probe = xavier_uniform(probe_key, (1, 1, width), fan_in=1, fan_out=width)
        self.attention = Attention(width, heads, key=attention_key)
        self.norm = LayerNorm(width)
        self.mlp = Mlp(width, hidden, key=mlp_key)

    def __call__(self, x: Float[Array, "b t d"], *, mask: Mask | None = None) -> Float[Array, "b d"]:
        """One vector for each sequence."""
        probe = jnp.broadcast_to(self.probe, (x.shape[0], 1, x.shape[2]))
        x = self.attention(probe, x, mask=mask)
        x = x + self.mlp(self.norm(x))
        return x[:, 0]
