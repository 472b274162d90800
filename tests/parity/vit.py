"""Recorded ViTs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from bvc.library.layers import tap
from tests.parity._model import Outputs, compare, loaded, spec
from tests.parity.reference import Comparison, Reference, compares

_POOLS = {"0": "first"}


def settings(kwargs: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments; `scan` changes no number and is ours to choose."""
    renamed = {
        "num_heads": "heads",
        "patch_size": "patch",
        "num_classes": "out_dim",
        "pool_type": "pool",
        "dtype_mm": "dtype",
    }
    found: dict[str, Any] = {"type": "vit", "size": list(size)}
    for name, value in kwargs.items():
        if name not in ("scan", "remat_policy"):
            found[renamed.get(name, name)] = value
    if "pool" in found:
        found["pool"] = _POOLS.get(found["pool"], found["pool"])
    if found.get("posemb") == "sincos2d":
        del found["size"]
    return found


def outputs(model: Any, image: Array) -> tuple[Array, Outputs]:
    """What big_vision's ViT returns, and its `out`."""
    with tap.capture() as captured:
        final = model.embed(image)
    patches = model.patches(image)
    grids = {f"{name}_2d": value for name, value in patches.items()}
    return final, {**captured, **grids}


@compares("vit")
def vit(reference: Reference) -> Iterator[Comparison]:
    """Outputs, intermediates and gradients of one ViT."""
    kwargs = reference.meta["kwargs"]
    size = reference.group("inputs")["image"].shape[1:3]
    model = loaded(spec(settings(kwargs, size)), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        final, captured = outputs(model, inputs["image"])
        return jnp.mean(jnp.square(final)), {**captured, "final": final}

    low = kwargs.get("dtype_mm") == "bfloat16"
    yield from compare(reference, model, forward, output=3e-2 if low else 1e-5)
