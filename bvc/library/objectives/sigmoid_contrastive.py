"""The SigLIP objective."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from bvc.component import Loss, MeshContext, component
from bvc.library.losses.contrastive import Chunk, sigmoid_pairs


@component("objective")
def sigmoid_contrastive(
    image: Float[Array, "b d"],
    text: Float[Array, "b d"],
    temperature: Float[Array, ""],
    bias: Float[Array, ""] | None = None,
    *,
    mesh: MeshContext,
    chunk: Chunk = "ring",
) -> Loss:
    """Pairwise sigmoid loss over the global batch: sum over texts, mean over images (arXiv:2303.15343).

    Settings:
        chunk: "ring" passes texts from device to device, one block of logits at a time; "none" gathers all texts

    Ports:
        image: one embedding per image, of length 1
        text: one embedding per text, of length 1
        temperature: factor on the similarities
        bias: added to all logits; 0 if absent
    """
    shift = jnp.zeros(()) if bias is None else bias
    total = sigmoid_pairs(image, text, temperature, shift, mesh, chunk)
    return Loss(mesh.spread(total) / mesh.shards, jnp.float32(image.shape[0]))
