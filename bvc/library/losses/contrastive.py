"""Losses of image-text pairs over the global batch, one value per image of this device.

In ring form texts travel from device to device and meet the local images block by block; every block of logits is
computed again in the backward pass. So a device never holds more than one block pair, [b, b], however many
devices there are, and value and gradient are those of the whole matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from bvc.component import MeshContext
from bvc.component.execution import execution

Chunk = Literal["none", "ring"]
Carry = TypeVar("Carry")

_ROWS = 256
"""Images whose logits exist at once where the turns of a ring are written out."""
_MASKED = -1e30
"""Logit of a pair that does not count; finite, so that gradients of empty sums stay zero."""


def sigmoid_pairs(
    image: Float[Array, "b d"],
    text: Float[Array, "b d"],
    temperature: Float[Array, ""],
    bias: Float[Array, ""],
    mesh: MeshContext,
    chunk: Chunk = "ring",
) -> Float[Array, "b"]:
    """For each image the sum over all texts of -log sigmoid(+-logit), + for its own text (arXiv:2303.15343)."""

    @jax.checkpoint
    def rows(
        image: Float[Array, "r d"], own: Int[Array, "r"], text: Float[Array, "n d"]
    ) -> Float[Array, "r"]:
        """`own` is the place of an image's own text among `text`, -1 if it is not there."""
        logits = _similarity(image, text) * temperature + bias
        mine = own[:, None] == jnp.arange(text.shape[0])[None, :]
        return -jnp.sum(jax.nn.log_sigmoid(jnp.where(mine, logits, -logits)), axis=-1)

    def block(
        image: Float[Array, "b d"], own: Int[Array, "b"], text: Float[Array, "n d"]
    ) -> Float[Array, "b"]:
        if not execution().unroll or image.shape[0] % _ROWS:
            return rows(image, own, text)
        # turns that are written out do not wait for each other: only a loop keeps their logits from living at once
        parts = [x.reshape(-1, _ROWS, *x.shape[1:]) for x in (image, own)]
        return lax.map(lambda part: rows(*part, text), parts).reshape(-1)

    count = image.shape[0]
    if chunk == "none":
        everyone = mesh.gather(text)  # text: f32[B/shards, D] -> f32[B, D]
        return rows(image, mesh.index() * count + jnp.arange(count), everyone)

    elsewhere = jnp.full(count, -1)

    def turn(
        carry: tuple[Float[Array, "b d"], Float[Array, "b"]], _: None
    ) -> tuple[tuple[Float[Array, "b d"], Float[Array, "b"]], None]:
        text, total = carry
        text = mesh.pass_on(text)  # text: f32[B/shards, D] of the previous device
        return (text, total + block(image, elsewhere, text)), None

    total = block(image, jnp.arange(count), text)
    if mesh.shards > 1:
        _, total = _around(turn, (text, total), mesh)
    return total


def softmax_pairs(
    image: Float[Array, "b d"],
    text: Float[Array, "b d"],
    temperature: Float[Array, ""],
    mesh: MeshContext,
    chunk: Chunk = "ring",
    mask: Bool[Array, "b"] | None = None,
) -> Float[Array, "b"]:
    """Mean of two cross-entropies: of an image over all texts, and of its text over all images (arXiv:2103.00020).

    Pairs with a False `mask` count in neither and get loss 0.
    """
    kept = mesh.spread(jnp.ones(image.shape[0], bool)) if mask is None else mask

    def logits(
        image: Float[Array, "b d"],
        text: Float[Array, "n d"],
        rows: Bool[Array, "b"],
        columns: Bool[Array, "n"],
    ) -> Float[Array, "b n"]:
        found = _similarity(image, text) * temperature
        return jnp.where(rows[:, None] & columns[None, :], found, _MASKED)

    if chunk == "none":
        texts, keeps, images = (
            mesh.gather(text),
            mesh.gather(kept),
            mesh.gather(image),
        )  # [B/shards, ..] -> [B, ..]
        row = jax.nn.logsumexp(logits(image, texts, kept, keeps), axis=1)
        column = jax.nn.logsumexp(logits(images, text, keeps, kept), axis=0)
    else:
        row, column = _ring_sums(image, text, kept, logits, mesh)
    own = jnp.sum(image.astype(jnp.float32) * text.astype(jnp.float32), axis=-1) * temperature
    return jnp.where(kept, 0.5 * (row - own) + 0.5 * (column - own), 0.0)


def _ring_sums(
    image: Float[Array, "b d"],
    text: Float[Array, "b d"],
    kept: Bool[Array, "b"],
    logits: object,
    mesh: MeshContext,
) -> tuple[Float[Array, "b"], Float[Array, "b"]]:
    """Log-sums of exponentials over all texts for each local image, and over all images for each local text.

    A text takes the sum that it has met so far along on its way, and is home after a whole round.
    """

    @jax.checkpoint
    def block(
        image: Float[Array, "b d"],
        text: Float[Array, "b d"],
        rows: Bool[Array, "b"],
        columns: Bool[Array, "b"],
    ) -> tuple[Float[Array, "b"], Float[Array, "b"]]:
        found = logits(image, text, rows, columns)  # type: ignore[operator]
        return jax.nn.logsumexp(found, axis=1), jax.nn.logsumexp(found, axis=0)

    def turn(
        carry: tuple[Array, Array, Array, Array], _: None
    ) -> tuple[tuple[Array, Array, Array, Array], None]:
        text, columns, column, row = carry
        text, columns, column = mesh.pass_on(
            (text, columns, column)
        )  # each [B/shards, ..], of the previous device
        along, across = block(image, text, kept, columns)
        return (text, columns, jnp.logaddexp(column, across), jnp.logaddexp(row, along)), None

    row, column = block(image, text, kept, kept)
    if mesh.shards > 1:
        _, _, column, row = _around(turn, (text, kept, column, row), mesh)
    return row, mesh.pass_on(column)


def _around(turn: Callable[[Carry, None], tuple[Carry, None]], carry: Carry, mesh: MeshContext) -> Carry:
    """The carry after as many turns as there are other devices.

    XLA on CPUs may start a collective that follows a loop while the loop's own still run, and then devices wait for
    each other forever; so there the turns are written out.
    """
    turns = mesh.shards - 1
    return lax.scan(turn, carry, length=turns, unroll=turns if execution().unroll else 1)[0]


def _similarity(image: Float[Array, "b d"], text: Float[Array, "n d"]) -> Float[Array, "b n"]:
    return jnp.einsum("id,jd->ij", image, text, preferred_element_type=jnp.float32)
