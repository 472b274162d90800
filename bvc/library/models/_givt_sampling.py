"""How GIVT generates sequences: code after code, or the most confident ones first."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from bvc.component import gather
from bvc.library.layers.decoder import Cache, start, step
from bvc.library.layers.guidance import Guided
from bvc.library.layers.masking import still_hidden
from bvc.library.layers.mixture import Mixture

Codes = Float[Array, "b t k"]
Labels = Int[Array, "b"]
Encoded = Float[Array, "b s e"] | None
Keys = Key[Array, "b"]


class Sampling(NamedTuple):
    """What `Givt.generate` is asked for; its settings say what each is."""

    temperature: float
    temperature_probs: float
    guidance: float
    steps: int
    schedule: str
    choice_temperature: float
    beams: int
    fan: int
    beam_temperature: float


def one_by_one(model: Any, labels: Labels, encoded: Encoded, wanted: Sampling, keys: Keys) -> Codes:
    """Each code from those before it, with a cache."""
    batch = labels.shape[0]
    classes = None if model.classes is None else labels

    def advance(carry: Any, index: Array) -> tuple[Any, Array]:
        x, x_free, cache, cache_free = carry
        logits, cache = following(model, x, cache, index)
        free = logits
        if wanted.guidance > 0:
            free, cache_free = following(model, x_free, cache_free, index)
        here = folded(keys, index)
        code = _density(model, logits, free, wanted, folded(here, 0)).sample(folded(here, 1))
        x = gather(model.target)(code)
        return (x, x, cache, cache_free), code[:, 0]

    cache = start(model.blocks, encoded, batch, model.length)
    table = gather(model.label_table)
    first = first_free = table.first(classes, batch, None)
    if wanted.guidance > 0:
        first_free = table.first(classes, batch, jnp.ones((batch,), bool))
    _, codes = jax.lax.scan(advance, (first, first_free, cache, cache), jnp.arange(model.length))
    return codes.swapaxes(0, 1)


def following(
    model: Any, x: Float[Array, "b 1 d"], cache: Cache, index: Int[Array, ""]
) -> tuple[Float[Array, "b 1 p"], Cache]:
    """What the decoder says of the code after `x`, which stands at position `index`."""
    here = jax.lax.dynamic_slice_in_dim(gather(model.posemb), index, 1, 1)
    y, cache = step(model.blocks, x + here, cache, index)
    return gather(model.head)(gather(model.norm)(y)), cache


def uncovered(model: Any, labels: Labels, encoded: Encoded, wanted: Sampling, keys: Keys) -> Codes:
    """All codes hidden at first; after each step the densest draws stay (MaskGIT, arXiv:2202.04200)."""
    nobody = jnp.ones(labels.shape, bool)

    def advance(carry: tuple[Codes, Bool[Array, "b t"]], number: Array) -> tuple[Any, None]:
        codes, hidden = carry
        here = folded(keys, number)
        logits = free = model.predict(codes, labels, encoded, hidden=hidden)
        if wanted.guidance > 0:
            free = model.predict(codes, labels, encoded, hidden=hidden, dropped=nobody)
        density = _density(model, logits, free, wanted, folded(here, 0))
        codes = jnp.where(hidden[..., None], density.sample(folded(here, 1)), codes)
        progress = (number + 1) / wanted.steps
        hidden = still_hidden(
            hidden,
            density.token_log_prob(codes),
            progress,
            schedule=wanted.schedule,
            temperature=wanted.choice_temperature * (1 - progress),
            keys=folded(here, 2),
        )
        return (jnp.where(hidden[..., None], 0.0, codes), hidden), None

    shape = (labels.shape[0], model.length)
    empty = (jnp.zeros((*shape, model.out_dim)), jnp.ones(shape, bool))
    return jax.lax.scan(advance, empty, jnp.arange(wanted.steps))[0][0]


def _density(model: Any, logits: Array, free: Array, wanted: Sampling, keys: Keys) -> Mixture | Guided:
    own = model.density_of(logits, wanted.temperature, wanted.temperature_probs)
    if wanted.guidance == 0:
        return own
    unconditional = model.density_of(free, wanted.temperature, wanted.temperature_probs)
    return Guided.between(own, unconditional, wanted.guidance, keys)


def folded(keys: Keys, number: int | Int[Array, ""]) -> Keys:
    """A key for each example and purpose."""
    return jax.vmap(jax.random.fold_in, (0, None))(keys, number)
