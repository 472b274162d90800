"""Beam search over GIVT's codes: each beam draws several next codes, and the likeliest sequences go on."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from bvc.component import gather
from bvc.library.layers.attention import Memory
from bvc.library.layers.decoder import Cache, start
from bvc.library.models._givt_sampling import Codes, Encoded, Keys, Labels, Sampling, folded, following


def searched(model: Any, labels: Labels, encoded: Encoded, wanted: Sampling, keys: Keys) -> Codes:
    """The likeliest sequence that the beams of an example came to (big_vision `givt/decode.py`).

    Every beam begins with a draw of its own. Then each draws `fan` codes, and of all sequences the `beams` with the
    greatest density are kept, or with a `beam_temperature` drawn without replacement, by that density.
    """
    batch, beams, fan = labels.shape[0], wanted.beams, wanted.fan
    rows = batch * beams
    classes = None if model.classes is None else jnp.repeat(labels, beams)
    encoded = None if encoded is None else jnp.repeat(encoded, beams, axis=0)

    def advance(carry: Any, index: Int[Array, ""]) -> tuple[Any, None]:
        x, cache, score, codes = carry
        logits, cache = following(model, x, cache, index)
        density = model.density_of(
            jnp.repeat(logits, fan, axis=0), wanted.temperature, wanted.temperature_probs
        )
        here = folded(keys, index)
        draws = jax.vmap(lambda key: jax.random.split(key, beams * fan))(folded(here, 0))
        drawn = density.sample(draws.reshape(-1))  # [B n f, 1, k]
        total = jnp.repeat(score, fan, axis=1) + density.token_log_prob(drawn).reshape(batch, -1)
        chosen = jnp.where(index == 0, jnp.arange(beams) * fan, _choose(total, wanted, folded(here, 1)))
        score = jnp.take_along_axis(total, chosen, axis=1)
        code = jnp.take_along_axis(drawn.reshape(batch, beams * fan, -1), chosen[..., None], axis=1)
        parents = chosen // fan
        codes = jnp.take_along_axis(codes, parents[..., None, None], axis=1).at[:, :, index].set(code)
        source = (jnp.arange(batch)[:, None] * beams + parents).reshape(-1)
        own = Memory(*(part[:, source] for part in cache.own))
        x = gather(model.target)(code.reshape(rows, 1, -1))
        return (x, Cache(own, cache.cross), score, codes), None

    first = gather(model.label_table).first(classes, rows, None)
    cache = start(model.blocks, encoded, rows, model.length)
    empty = jnp.zeros((batch, beams, model.length, model.out_dim))
    begun = (first, cache, jnp.zeros((batch, beams)), empty)
    (_, _, score, codes), _ = jax.lax.scan(advance, begun, jnp.arange(model.length))
    best = jnp.argmax(score, axis=1)
    return jnp.take_along_axis(codes, best[:, None, None, None], axis=1)[:, 0]


def _choose(total: Array, wanted: Sampling, keys: Keys) -> Int[Array, "b n"]:
    """The sequences that go on, as numbers of draws."""
    if wanted.beam_temperature > 0:
        noise = jax.vmap(lambda key: jax.random.gumbel(key, total.shape[1:]))(keys)
        total = total / wanted.beam_temperature + noise
    return jax.lax.top_k(total, wanted.beams)[1]
