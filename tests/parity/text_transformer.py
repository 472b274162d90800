"""Recorded text transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.layers import tap
from tests.parity._model import Outputs, compare, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, compares

_NAMES = {"num_heads": "heads", "vocab_size": "vocab", "num_classes": "out_dim", "pool_type": "pool"}
_POOLS = {"gap": "mean", "gmp": "max"}


def settings(kwargs: Mapping[str, Any], text: np.ndarray) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments."""
    found = {"type": "text_transformer", "length": text.shape[1], **renamed(kwargs, _NAMES)}
    if "pool" in found:
        found["pool"] = _POOLS.get(found["pool"], found["pool"])
    found["out_dim"] = found.get("out_dim") or None
    return found


def outputs(model: Any, text: Array) -> tuple[Array, Outputs]:
    """What big_vision's text transformer returns, and its `out`."""
    with tap.capture() as captured:
        final = model.embed(text)
    return final, {**captured, "vocab_logits": model.vocab_logits(text)}


@compares("text_transformer")
def text_transformer(reference: Reference) -> Iterator[Comparison]:
    """Outputs, intermediates and gradients of one text transformer."""
    kwargs = settings(reference.meta["kwargs"], reference.group("inputs")["text"])
    model = loaded(spec(kwargs), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        final, captured = outputs(model, inputs["text"])
        return jnp.mean(jnp.square(final)), {**captured, "final": final}

    yield from compare(reference, model, forward)
