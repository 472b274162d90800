"""Sampling of token sequences from a model that predicts one token after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from bvc.component import SettingError
from bvc.library.layers.dropout import Keys, fold

Step = Callable[[Int[Array, "b"], Any, Int[Array, ""]], tuple[Float[Array, "b v"], Any]]
"""(token, cache, position) -> logits of the next token, cache."""
Noise = Callable[[Int[Array, ""], tuple[int, ...]], Float[Array, "b v"]]
"""(position, shape) -> Gumbel noise."""

END = 1
_START = 0
_IMPOSSIBLE = -1.0e7


class Sampled(TypedDict):
    """`logprobs` are those of the model, untempered; 0 fills a sequence after its end.

    `scores` sum them up to the end, prompts included.
    """

    sequences: Int[Array, "b t"]
    logprobs: Float[Array, "b t"]
    scores: Float[Array, "b"]


def gumbel(keys: Keys) -> Noise | None:
    """Noise of which each example has its own; None (the most likely token) without keys."""
    if keys is None:
        return None

    def noise(index: Int[Array, ""], shape: tuple[int, ...]) -> Float[Array, "b v"]:
        return jax.vmap(lambda key: jax.random.gumbel(key, shape[1:]))(fold(keys, index))

    return noise


def sample(
    step: Step,
    cache: PyTree,
    prompts: Int[Array, "b t"],
    noise: Noise | None,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    end: int | None = END,
) -> Sampled:
    """Sample as many tokens as `prompts` has (big_vision `models/proj/uvim/decode.py`).

    Args:
        step: the model.
        cache: its state before the first token.
        prompts: tokens that are forced where they are not 0; a sequence cannot end within them.
        noise: randomness; None takes the most likely token.
        temperature: divides the logits before the noise is added.
        top_k: sample among this many most likely tokens.
        top_p: sample among the fewest most likely tokens that have together this probability.
        end: the token that ends a sequence; None: none does.

    Raises:
        SettingError: both `top_k` and `top_p` are given.
    """
    if top_k is not None and top_p is not None:
        raise SettingError("top_p", "and `top_k` exclude each other", help="give one of them")

    def advance(carry: Any, inputs: Any) -> tuple[Any, tuple[Array, Array, Array]]:
        token, cache, finished = carry
        index, forced = inputs
        logits, cache = step(token, cache, index)
        every = jax.nn.log_softmax(logits)
        chosen = _choose(logits, index, noise, temperature, top_k, top_p)
        free = forced == 0
        token = jnp.where(free & ~finished, chosen, forced)
        logprob = jnp.take_along_axis(every, token[:, None], axis=1)[:, 0]
        now = free & finished if end is None else free & (finished | (chosen == end))
        return (token, cache, now), (token, logprob, finished)

    batch, length = prompts.shape
    first = jnp.full((batch,), _START, prompts.dtype)
    carry = (first, cache, jnp.zeros((batch,), bool))
    _, (tokens, logprobs, finished) = jax.lax.scan(advance, carry, (jnp.arange(length), prompts.T))
    kept = jnp.where(finished, 0.0, logprobs)
    return {"sequences": tokens.T, "logprobs": logprobs.T, "scores": jnp.sum(kept, axis=0)}


def _choose(
    logits: Float[Array, "b v"],
    index: Int[Array, ""],
    noise: Noise | None,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
) -> Int[Array, "b"]:
    if noise is None:
        return jnp.argmax(logits, axis=-1).astype(jnp.int32)
    if top_k is not None:
        best, tokens = jax.lax.top_k(logits, top_k)
        place = jnp.argmax(best / temperature + noise(index, best.shape), axis=-1)
        return jnp.take_along_axis(tokens, place[:, None], axis=1)[:, 0].astype(jnp.int32)
    if top_p is not None:
        falling = jnp.sort(logits, axis=-1)[:, ::-1]
        together = jnp.cumsum(jax.nn.softmax(falling, axis=-1), axis=-1)
        last = jnp.sum(together < top_p, axis=-1, keepdims=True)
        logits = jnp.where(logits < jnp.take_along_axis(falling, last, axis=-1), _IMPOSSIBLE, logits)
    return jnp.argmax(logits / temperature + noise(index, logits.shape), axis=-1).astype(jnp.int32)
