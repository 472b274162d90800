"""Mixtures of Gaussians whose parameters a network predicts (GIVT, arXiv:2312.02116)."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Layout = Literal["channel", "vector", "full"]
"""A mixture for each channel, a mixture of diagonal Gaussians, or one Gaussian with full covariance."""


class Mixture(NamedTuple):
    """Parameters of the density of each token.

    `channel`: all arrays are `b t k m`. `vector`: `logits` is `b t m`, the others `b t m k`. `full`: no logits,
    `loc` is `b t k` and `scale` the lower triangle `b t k k`.
    """

    layout: Layout
    logits: Float[Array, "..."] | None
    loc: Float[Array, "..."]
    scale: Float[Array, "..."]

    @property
    def probs(self) -> Float[Array, "..."]:
        """Weights of the components."""
        assert self.logits is not None
        return jax.nn.softmax(self.logits, axis=-1)

    def log_prob(self, x: Float[Array, "b t k"]) -> Float[Array, "..."]:
        """The log density: of each channel (`b t k`) if each has its own mixture, else of each token (`b t`)."""
        if self.layout == "full":
            return _triangular(x - self.loc, self.scale)
        assert self.logits is not None
        weights = jax.nn.log_softmax(self.logits, axis=-1)
        if self.layout == "channel":
            return jax.nn.logsumexp(weights + normal_log_prob(x[..., None], self.loc, self.scale), axis=-1)
        each = jnp.sum(normal_log_prob(x[..., None, :], self.loc, self.scale), axis=-1)
        return jax.nn.logsumexp(weights + each, axis=-1)

    def token_log_prob(self, x: Float[Array, "b t k"]) -> Float[Array, "b t"]:
        """The log density of each token, channels taken together."""
        each = self.log_prob(x)
        return jnp.sum(each, axis=-1) if self.layout == "channel" else each

    def sample(self, keys: Key[Array, "b"]) -> Float[Array, "b t k"]:
        """A draw for each example."""
        which, where = jax.vmap(jax.random.split, out_axes=1)(keys)
        loc, scale = self.component(which)
        noise = jax.vmap(lambda key: jax.random.normal(key, loc.shape[1:]))(where)
        if self.layout == "full":
            return loc + jnp.einsum("btij,btj->bti", scale, noise)
        return loc + scale * noise

    def component(self, keys: Key[Array, "b"]) -> tuple[Float[Array, "b t k"], Float[Array, "..."]]:
        """Mean and scale of a component drawn for each mixture."""
        if self.logits is None:
            return self.loc, self.scale
        draws = jax.vmap(lambda key, logits: jax.random.categorical(key, logits))(keys, self.logits)
        return self.picked(jax.nn.one_hot(draws, self.logits.shape[-1]))

    def picked(self, chosen: Float[Array, "..."]) -> tuple[Float[Array, "b t k"], Float[Array, "b t k"]]:
        """Mean and scale of chosen components, given one-hot like the logits."""
        if self.layout == "vector":
            return jnp.einsum("btm,btmk->btk", chosen, self.loc), jnp.einsum(
                "btm,btmk->btk", chosen, self.scale
            )
        return jnp.sum(chosen * self.loc, axis=-1), jnp.sum(chosen * self.scale, axis=-1)


def parameters(channels: int, mixtures: int, layout: Layout) -> int:
    """How many numbers describe the density of a token."""
    if layout == "full":
        return channels**2 + channels
    return 3 * mixtures * channels if layout == "channel" else mixtures + 2 * mixtures * channels


def mixture(
    raw: Float[Array, "b t p"],
    channels: int,
    mixtures: int,
    layout: Layout,
    *,
    tolerance: float = 1e-6,
    fix_square_plus: bool = False,
    temperature_scales: float = 1.0,
    temperature_probs: float = 1.0,
) -> Mixture:
    """Read a network's outputs as the parameters of a density.

    Args:
        raw: what the network says.
        channels: channels of a token.
        mixtures: components.
        layout: what kind of density it is.
        tolerance: the smallest scale (with full covariance, the smallest one on the diagonal).
        fix_square_plus: `(x + sqrt(x^2 + 4)) / 2` for scales; else `x + sqrt(x^2 + 4) / 2`, which the published
            models were trained with.
        temperature_scales: factor on the scales.
        temperature_probs: factor on the logits of the components.
    """
    lead = raw.shape[:-1]
    if layout == "full":
        scale = _square_plus(raw[..., : channels**2], fix_square_plus).reshape(*lead, channels, channels)
        scale = jnp.maximum(scale, jnp.eye(channels) * tolerance) * temperature_scales
        return Mixture(layout, None, raw[..., channels**2 :], jnp.tril(scale))
    if layout == "channel":
        logits, loc, scale = jnp.split(raw.reshape(*lead, 3 * channels, mixtures), 3, axis=-2)
    else:
        logits, rest = raw[..., :mixtures], raw[..., mixtures:].reshape(*lead, mixtures, 2, channels)
        loc, scale = rest[..., 0, :], rest[..., 1, :]
    scale = jnp.maximum(_square_plus(scale, fix_square_plus), tolerance) * temperature_scales
    return Mixture(layout, logits * temperature_probs, loc, scale)


def _square_plus(x: Float[Array, "..."], fixed: bool) -> Float[Array, "..."]:
    root = jnp.sqrt(jnp.square(x) + 4)
    return (x + root) / 2 if fixed else x + root / 2


def normal_log_prob(
    x: Float[Array, "..."], loc: Float[Array, "..."], scale: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The log density of a Gaussian."""
    return -0.5 * jnp.square((x - loc) / scale) - jnp.log(scale) - 0.5 * math.log(2 * math.pi)


def _triangular(x: Float[Array, "b t k"], scale: Float[Array, "b t k k"]) -> Float[Array, "b t"]:
    white = jax.scipy.linalg.solve_triangular(scale, x[..., None], lower=True)[..., 0]
    volume = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(scale, axis1=-2, axis2=-1))), axis=-1)
    return -0.5 * jnp.sum(jnp.square(white), axis=-1) - volume - 0.5 * x.shape[-1] * math.log(2 * math.pi)
