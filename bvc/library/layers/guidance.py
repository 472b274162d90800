"""Classifier-free guidance for Gaussian densities (GIVT, arXiv:2312.02116, section 3.5)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from bvc.component import SettingError
from bvc.library.layers.mixture import Mixture, normal_log_prob

Codes = Float[Array, "b t k"]

_TRIES = 1000


class Guided(NamedTuple):
    """`conditional^(1 + weight) / unconditional^weight`, without its normalization, one Gaussian for each channel."""

    loc: Codes
    scale: Codes
    loc_free: Codes
    scale_free: Codes
    weight: float

    @staticmethod
    def between(conditional: Mixture, free: Mixture, weight: float, keys: Key[Array, "b"]) -> Guided:
        """Guidance between two densities; of mixtures one component is drawn, the same for both.

        Raises:
            SettingError: a channel has a mixture of its own, or covariance is full.
        """
        if conditional.logits is None or (
            conditional.layout == "channel" and conditional.logits.shape[-1] != 1
        ):
            raise SettingError("guidance", 'needs density = "vector", or a single component for each channel')
        draws = jax.vmap(lambda key, logits: jax.random.categorical(key, logits))(keys, conditional.logits)
        chosen = jax.nn.one_hot(draws, conditional.logits.shape[-1])
        return Guided(*conditional.picked(chosen), *free.picked(chosen), weight)

    def log_prob(self, x: Float[Array, "*n b t k"]) -> Float[Array, "*n b t k"]:
        """The log density of each channel, up to a constant."""
        own = normal_log_prob(x, self.loc, self.scale)
        return (1 + self.weight) * own - self.weight * normal_log_prob(x, self.loc_free, self.scale_free)

    def token_log_prob(self, x: Codes) -> Float[Array, "b t"]:
        """The log density of each token, up to a constant."""
        return jnp.sum(self.log_prob(x), axis=-1)

    @property
    def proposal_scale(self) -> Codes:
        """Scale of the Gaussian around `loc` that is wider than the density."""
        return 2 * jnp.maximum(self.scale, self.scale_free)

    def factor(self) -> Codes:
        """How far the density rises above the proposal's peak."""
        offsets = jnp.linspace(-10, 10, 1001).reshape(-1, 1, 1, 1)
        peak = normal_log_prob(self.loc, self.loc, self.proposal_scale)
        return jnp.max(jnp.exp(self.log_prob(self.loc + offsets)) / jnp.exp(peak), axis=0)

    def sample(self, keys: Key[Array, "b"]) -> Codes:
        """A draw by rejection; where no try is accepted, one from the conditional density."""
        try_keys, level_keys, own_keys = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
        shape = (_TRIES, *self.loc.shape[1:])
        noise = jax.vmap(lambda key: jax.random.normal(key, shape), out_axes=1)(try_keys)
        tries = self.loc + self.proposal_scale * noise
        ceiling = self.factor() * jnp.exp(normal_log_prob(tries, self.loc, self.proposal_scale))
        level = ceiling * jax.vmap(lambda key: jax.random.uniform(key, shape), out_axes=1)(level_keys)
        accepted: Bool[Array, "n b t k"] = level < jnp.exp(self.log_prob(tries))
        first = jnp.argmax(accepted, axis=0)[None]
        own = self.loc + self.scale * jax.vmap(lambda key: jax.random.normal(key, shape[1:]))(own_keys)
        return jnp.where(jnp.any(accepted, axis=0), jnp.take_along_axis(tries, first, axis=0)[0], own)
