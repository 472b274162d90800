"""Recorded BERTs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from bvc.library.layers import tap
from tests.parity._model import Outputs, compare, loaded, spec
from tests.parity.reference import Comparison, Reference, compares


def settings(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments and flaxformer's configuration."""
    renamed = {
        "hidden_size": "width",
        "intermediate_dim": "mlp_dim",
        "num_hidden_layers": "depth",
        "num_attention_heads": "heads",
        "vocab_size": "vocab",
        "max_length": "length",
    }
    overrides = {
        renamed[name]: value
        for name, value in kwargs.get("bert_config_overrides", {}).items()
        if name in renamed
    }
    out_dim = kwargs.get("num_classes") or None
    return {"type": "bert", "size": kwargs.get("config", "base"), "out_dim": out_dim, **overrides}


@compares("bert")
def bert(reference: Reference) -> Iterator[Comparison]:
    """Outputs and gradients of one BERT."""
    model = loaded(spec(settings(reference.meta["kwargs"])), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        with tap.capture() as captured:
            final = model.embed(inputs["text"])
        return jnp.mean(jnp.square(final)), {**captured, "final": final}

    yield from compare(reference, model, forward)
