"""The CLIP objective."""

from __future__ import annotations

from jaxtyping import Array, Float

from bvc.component import Loss, MeshContext, component
from bvc.library.losses.contrastive import Chunk, softmax_pairs


@component("objective")
def softmax_contrastive(
    image: Float[Array, "b d"],
    text: Float[Array, "b d"],
    temperature: Float[Array, ""],
    *,
    mesh: MeshContext,
    chunk: Chunk = "ring",
) -> Loss:
    """Which text of the global batch belongs to an image, and which image to a text (arXiv:2103.00020).

    Settings:
        chunk: "ring" passes texts from device to device, one block of logits at a time; "none" gathers everything

    Ports:
        image: one embedding per image, of length 1
        text: one embedding per text, of length 1
        temperature: factor on the similarities
    """
    return Loss.mean(softmax_pairs(image, text, temperature, mesh, chunk))
