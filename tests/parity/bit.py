"""Recorded ResNets of BiT, both versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from bvc.library.layers import tap
from bvc.library.layers.conv import standardize
from bvc.library.layers.group_norm import GroupNorm
from tests.parity import vit
from tests.parity._model import Outputs, compare, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, close, compares


def settings(family: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments."""
    found = renamed(kwargs, {"num_classes": "out_dim"})
    return {"type": family, **found, "out_dim": found.get("out_dim") or None}


@compares("bit", "bit_paper")
def bit(reference: Reference) -> Iterator[Comparison]:
    """Outputs and gradients of one ResNet, or its parts alone."""
    if not reference.group("params"):
        yield from _parts(reference)
        return
    table = settings(reference.meta["family"], reference.meta["kwargs"])
    model = loaded(spec(table), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        with tap.capture() as captured:
            final = model.embed(inputs["image"])
        grids = vit.grids(model, inputs["image"])
        return jnp.mean(jnp.square(final)), {**captured, **grids, "final": final}

    yield from compare(reference, model, forward)


def _parts(reference: Reference) -> Iterator[Comparison]:
    inputs = {name: jnp.asarray(value) for name, value in reference.group("inputs").items()}
    norms = {
        "bit_groupnorm32": GroupNorm(64, epsilon=1e-6),
        "bit_paper_groupnorm32": GroupNorm(64, epsilon=1e-5, exact=True, dims=4),
    }
    ours = {
        "bit_weight_standardize": standardize(inputs["kernel"], "std"),
        "bit_paper_standardize": standardize(inputs["kernel"], "variance"),
    }
    for name, norm in norms.items():
        shape = norm.scale.shape
        values = (inputs["scale"].reshape(shape), inputs["bias"].reshape(shape))
        ours[name] = eqx.tree_at(lambda norm: (norm.scale, norm.bias), norm, values)(inputs["x"])
    for name, theirs in reference.group("outputs").items():
        yield close(name, ours[name], theirs, 1e-5)
