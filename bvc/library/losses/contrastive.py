"""Losses of image-text pairs over the global batch.

In ring form texts travel from device to device and meet the local images block by block. So a device never holds more
than one block pair, [b, b], however many devices there are, and value and gradient are those of the whole matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from bvc.component import MeshContext
from bvc.component.execution import execution

Chunk = Literal["none", "ring"]
Carry = TypeVar("Carry")
Block = Callable[[Any, bool], tuple[PyTree[Array], PyTree[Array]]]
"""From what travels, and whether it is this device's own, to what the local images get of it and what goes along."""

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
) -> Float[Array, ""]:
    """The sum of -log sigmoid(+-logit) over all pairs of the global batch, + for an image and its own text.

    It is the same on all devices (arXiv:2303.15343). As a sum over blocks, it has gradients that are known up to
    one factor as soon as a block is: in ring form a text's gradient travels with the text, and the backward pass only
    scales what came home.
    """
    count = image.shape[0]
    if chunk == "none":
        everyone = mesh.gather(text)  # text: f32[B/shards, D] -> f32[B, D]
        own = mesh.index() * count + jnp.arange(count)
        return mesh.sum(jax.checkpoint(_sigmoid_rows)(image, own, everyone, temperature, bias))

    @jax.custom_vjp
    def around(
        image: Float[Array, "b d"],
        text: Float[Array, "b d"],
        temperature: Float[Array, ""],
        bias: Float[Array, ""],
    ) -> Float[Array, ""]:
        def block(texts: Float[Array, "b d"], home: bool) -> tuple[Float[Array, ""], tuple[()]]:
            total, _ = _by_rows(
                lambda image, own: (_sigmoid_rows(image, own, texts, temperature, bias), ()),
                (image, _places(count, home)),
                mesh,
            )
            return total, ()

        return mesh.sum(_ring(block, text, jnp.add, mesh)[0])

    def forward(
        image: Float[Array, "b d"],
        text: Float[Array, "b d"],
        temperature: Float[Array, ""],
        bias: Float[Array, ""],
    ) -> tuple[Float[Array, ""], tuple[Array, Array, Array, Array]]:
        def block(texts: Float[Array, "b d"], home: bool) -> tuple[PyTree[Array], Float[Array, "b d"]]:
            def part(image: Float[Array, "r d"], own: Int[Array, "r"]) -> tuple[PyTree[Array], Array]:
                total, found = jax.value_and_grad(_sigmoid_rows, argnums=(0, 2, 3, 4))(
                    image, own, texts, temperature, bias
                )
                found = [gradient.astype(jnp.float32) for gradient in found]
                return (total, *found[1:]), found[0]

            (total, to_text, *to_scalars), to_image = _by_rows(part, (image, _places(count, home)), mesh)
            return (total, to_image, *to_scalars), to_text

        (total, to_image, *to_scalars), to_text = _ring(block, text, jnp.add, mesh)
        given = (image, text, temperature, bias)
        found = (to_image, to_text, *to_scalars)
        return mesh.sum(total), tuple(each.astype(x.dtype) for each, x in zip(found, given, strict=True))

    def backward(
        gradients: tuple[Array, Array, Array, Array], factor: Float[Array, ""]
    ) -> tuple[Array, Array, Array, Array]:
        return jax.tree.map(lambda each: (each * factor).astype(each.dtype), gradients)

    around.defvjp(forward, backward)
    return around(image, text, mesh.spread(temperature), mesh.spread(bias))


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
    logits: Callable[..., Float[Array, "b b"]],
    mesh: MeshContext,
) -> tuple[Float[Array, "b"], Float[Array, "b"]]:
    """Log-sums of exponentials over all texts for each local image, and over all images for each local text."""

    @jax.checkpoint
    def sums(
        image: Float[Array, "b d"],
        text: Float[Array, "b d"],
        rows: Bool[Array, "b"],
        columns: Bool[Array, "b"],
    ) -> tuple[Float[Array, "b"], Float[Array, "b"]]:
        found = logits(image, text, rows, columns)
        return jax.nn.logsumexp(found, axis=1), jax.nn.logsumexp(found, axis=0)

    def block(others: tuple[Array, Array], _: bool) -> tuple[Float[Array, "b"], Float[Array, "b"]]:
        text, columns = others
        return sums(image, text, kept, columns)

    return _ring(block, (text, kept), jnp.logaddexp, mesh)


def _ring(
    block: Block, own: PyTree[Array], join: Callable[[Array, Array], Array], mesh: MeshContext
) -> tuple[PyTree[Array], PyTree[Array]]:
    """What all blocks give to this device's images, and to its own texts, put together by `join`.

    A text takes what it has met so far along on its way, and is home after a whole round.
    """

    def turn(carry: tuple[Any, Any, Any], _: None) -> tuple[tuple[Any, Any, Any], None]:
        others, along, here = carry
        others, along = mesh.pass_on((others, along))  # each [B/shards, ..], of the previous device
        met = block(others, False)
        here, along = jax.tree.map(join, (here, along), met)
        return (others, along, here), None

    here, along = block(own, True)
    if mesh.shards > 1:
        _, along, here = _around(turn, (own, along, here), mesh)
    return here, mesh.pass_on(along)


def _around(turn: Callable[[Carry, None], tuple[Carry, None]], carry: Carry, mesh: MeshContext) -> Carry:
    """The carry after as many turns as there are other devices.

    XLA on CPUs may start a collective that follows a loop while the loop's own still run, and then devices wait for
    each other forever; so there the turns are written out.
    """
    turns = mesh.shards - 1
    return lax.scan(turn, carry, length=turns, unroll=turns if execution().unroll else 1)[0]


def _similarity(image: Float[Array, "b d"], text: Float[Array, "n d"]) -> Float[Array, "b n"]:
    return jnp.einsum("id,jd->ij", image, text, preferred_element_type=jnp.float32)


def _sigmoid_rows(
    image: Float[Array, "r d"],
    own: Int[Array, "r"],
    text: Float[Array, "n d"],
    temperature: Float[Array, ""],
    bias: Float[Array, ""],
) -> Float[Array, ""]:
    """The loss of these pairs; `own` is the place of an image's own text among `text`, -1 if it is not there."""
    logits = _similarity(image, text) * temperature + bias
    mine = own[:, None] == jnp.arange(text.shape[0])[None, :]
    return -jnp.sum(jax.nn.log_sigmoid(jnp.where(mine, logits, -logits)))


def _places(count: int, home: bool) -> Int[Array, "b"]:
    return jnp.arange(count) if home else jnp.full(count, -1)


def _by_rows(
    part: Callable[..., tuple[PyTree[Array], PyTree[Array]]], rows: Sequence[Array], mesh: MeshContext
) -> tuple[PyTree[Array], PyTree[Array]]:
    """What `part` gives to all rows together, a sum, and what it gives to each.

    Turns that are written out do not wait for each other: only a loop, which holds no collective, keeps their logits
    from living at once.
    """
    count = rows[0].shape[0]
    if not execution().unroll or count % _ROWS:
        return part(*rows)
    parts = [x.reshape(-1, _ROWS, *x.shape[1:]) for x in rows]
    found, _ = jax.eval_shape(part, *(x[0] for x in parts))
    none = jax.tree.map(lambda x: mesh.spread(jnp.zeros(x.shape, x.dtype)), found)

    def turn(sums: PyTree[Array], part_: Sequence[Array]) -> tuple[PyTree[Array], PyTree[Array]]:
        more, each = part(*part_)
        return jax.tree.map(jnp.add, sums, more), each

    sums, each = lax.scan(turn, none, parts)
    return sums, jax.tree.map(lambda x: x.reshape(count, *x.shape[2:]), each)
