"""Which tokens are hidden, in training and while a sequence is uncovered (MaskGIT, arXiv:2202.04200)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from bvc.component import SettingError


def mask_rate(progress: Float[Array, "*b"], schedule: str) -> Float[Array, "*b"]:
    """The part that is still hidden: 1 at the start and almost 0 at the end.

    `schedule` is `cosine`, or `pow:EXPONENT`.

    Raises:
        SettingError: it is neither.
    """
    name, _, exponent = schedule.partition(":")
    if schedule == "cosine":
        rate = jnp.cos(jnp.pi / 2 * progress)
    elif name == "pow" and exponent.replace(".", "", 1).isdigit():
        rate = 1 - progress ** float(exponent)
    else:
        raise SettingError("schedule", f'"{schedule}" is not known', help='known are "cosine" and "pow:2.5"')
    return jnp.clip(rate, 1e-6, 1.0)


def training_mask(keys: Key[Array, "b"], length: int, least: float, schedule: str) -> Bool[Array, "b t"]:
    """True for hidden tokens: a random part of each sequence, on the schedule up to progress `1 - least`."""

    def draw(key: Key[Array, ""]) -> Bool[Array, "t"]:
        part, order = jax.random.split(key)
        rate = mask_rate(jax.random.uniform(part, maxval=1 - least), schedule)
        return jax.random.permutation(order, jnp.arange(length) < rate * length)

    return jax.vmap(draw)(keys)


def lowest(values: Float[Array, "b t"], count: Int[Array, "b"]) -> Bool[Array, "b t"]:
    """True for the `count` lowest values of each row."""
    ranks = jnp.argsort(jnp.argsort(values, axis=-1), axis=-1)
    return ranks < count[:, None]


def still_hidden(
    hidden: Bool[Array, "b t"],
    confidence: Float[Array, "b t"],
    progress: Float[Array, ""],
    *,
    schedule: str,
    temperature: float | Float[Array, ""],
    keys: Key[Array, "b"],
) -> Bool[Array, "b t"]:
    """What stays hidden after a step: the least confident tokens, in the number that the schedule says.

    At least one token is uncovered. `confidence` is a log density; `temperature` is the weight of noise in it.
    """
    length = hidden.shape[1]
    count = jnp.sum(hidden, axis=-1)
    wanted = jnp.floor(length * mask_rate(progress, schedule)).astype(jnp.int32)
    count = jnp.maximum(0, jnp.minimum(count - 1, wanted))
    noise = jax.vmap(lambda key: jax.random.gumbel(key, (length,)))(keys)
    return lowest(jnp.where(hidden, confidence, jnp.inf) + temperature * noise, count)
