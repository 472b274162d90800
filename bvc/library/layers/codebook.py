"""Quantisers: a learned codebook, and fixed levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from bvc.component import Mutable
from bvc.library.layers.initializers import RandomKey, normal, ones

_PERTURBATION = 0.001


class Quantized(TypedDict, total=False):
    """`counts` and `sums` are the statistics that the codebook learns from; a fixed quantiser has none."""

    bottleneck: Float[Array, "b n k"]
    bottleneck_q: Float[Array, "b n k"]
    code: Int[Array, "b n"]
    counts: Int[Array, "v"]
    sums: Float[Array, "v k"]


class Codebook(Mutable):
    """Codewords as running sums and counts of what was assigned to them (VQ-VAE, arXiv:1711.00937).

    It learns by these statistics and not by gradients, which are zero for both arrays.
    """

    dictionary: Float[Array, "v d"]
    counts: Float[Array, "v"]

    @staticmethod
    def build(entries: int, width: int, *, key: RandomKey) -> Codebook:
        """A codebook before training."""
        return Codebook(normal(key, (entries, width), 1 / math.sqrt(entries)), ones((entries,)))

    def codewords(self) -> Float[Array, "v d"]:
        """The mean of each entry, at norm 1."""
        mean = jax.lax.stop_gradient(self.dictionary / self.counts[:, None])
        return mean / jnp.linalg.norm(mean, axis=-1, keepdims=True)

    def nearest(self, x: Float[Array, "b t d"]) -> Int[Array, "b t"]:
        """The code of the nearest codeword; of equally near ones the first."""
        words = self.codewords()
        square = jnp.sum(x * x, axis=-1, keepdims=True)
        distance = square - 2 * x @ words.T + jnp.sum(words * words, axis=1)
        return jnp.argmin(distance, axis=-1).astype(jnp.int32)

    def statistics(
        self, x: Float[Array, "b t d"], codes: Int[Array, "b t"]
    ) -> tuple[Int[Array, "v"], Float[Array, "v d"]]:
        """How often each code was assigned, and the sum of what it was assigned to."""
        counts = jnp.zeros(self.counts.shape, jnp.int32).at[codes].add(1)
        sums = jnp.zeros(self.dictionary.shape, self.dictionary.dtype).at[codes].add(jax.lax.stop_gradient(x))
        return counts, sums

    def advanced(
        self,
        counts: Int[Array, "v"],
        sums: Float[Array, "v d"],
        *,
        momentum: float,
        min_count: float,
        key: Key[Array, ""],
    ) -> Codebook:
        """The codebook after a step, from the statistics of the whole batch.

        Entries whose discounted count falls below `min_count` are replaced, one after another, by half of the
        most frequent one.
        """
        discounted = Codebook(self.dictionary * momentum + sums, self.counts * momentum + counts)

        def starved(carry: tuple[Codebook, Key[Array, ""]]) -> Array:
            return jnp.any(carry[0].counts < min_count)

        return jax.lax.while_loop(starved, lambda carry: carry[0].split(carry[1]), (discounted, key))[0]

    def split(self, key: Key[Array, ""]) -> tuple[Codebook, Key[Array, ""]]:
        """The least frequent entry replaced by half of the most frequent one, slightly perturbed."""
        key, here = jax.random.split(key)
        most, least = jnp.argmax(self.counts), jnp.argmin(self.counts)
        shape = self.dictionary.shape[1:]
        noise = jax.random.uniform(here, shape, jnp.float32, 1 - _PERTURBATION, 1 + _PERTURBATION)
        dictionary = self.dictionary.at[least].set(self.dictionary[most] * noise / 2)
        dictionary = dictionary.at[most].set(self.dictionary[most] / 2)
        half = self.counts[most] / 2
        return Codebook(dictionary, self.counts.at[least].set(half).at[most].set(half)), key


def straight_through(x: Float[Array, "..."], quantized: Float[Array, "..."]) -> Float[Array, "..."]:
    """`quantized`, with the gradient of `x`."""
    return x + jax.lax.stop_gradient(quantized - x)


def round_to_levels(x: Float[Array, "b t d"], levels: Sequence[int]) -> Float[Array, "b t d"]:
    """Each channel bounded and rounded to one of its levels, in [-1, 1] (FSQ, arXiv:2309.15505)."""
    count = jnp.asarray(levels, jnp.float32)
    half = (count - 1) * (1 - 1e-3) / 2
    offset = jnp.where(count % 2 == 0, 0.5, 0.0)
    bounded = jnp.tanh(x + jnp.tan(offset / half)) * half - offset
    return straight_through(bounded, jnp.round(bounded)) / jnp.asarray(_reach(levels))


def code_of_levels(quantized: Float[Array, "b t d"], levels: Sequence[int]) -> Int[Array, "b t"]:
    """The number of a combination of levels; the first channel counts least."""
    digits = jnp.round(quantized * _reach(levels) + _reach(levels)).astype(jnp.int32)
    return jnp.sum(digits * jnp.asarray(_basis(levels)), axis=-1)


def levels_of_code(code: Int[Array, "b t"], levels: Sequence[int]) -> Float[Array, "b t d"]:
    """The combination of levels that a code stands for."""
    digits = code[..., None] // jnp.asarray(_basis(levels)) % jnp.asarray(levels)
    return (digits - _reach(levels)) / jnp.asarray(_reach(levels))


def _reach(levels: Sequence[int]) -> np.ndarray:
    return np.asarray([count // 2 for count in levels], np.float32)


def _basis(levels: Sequence[int]) -> np.ndarray:
    return np.concatenate([[1], np.cumprod(levels[:-1])]).astype(np.int32)
