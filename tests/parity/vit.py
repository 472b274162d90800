"""Recorded ViTs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from bvc.library.checkpoints.posemb import resample_grid
from bvc.library.layers import tap
from bvc.library.layers.posemb import sincos2d
from tests.parity._model import Outputs, below, compare, compare_parameters, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, close, compares

_NAMES = {
    "num_heads": "heads",
    "patch_size": "patch",
    "num_classes": "out_dim",
    "pool_type": "pool",
    "dtype_mm": "dtype",
}
_POOLS = {"0": "first"}


def settings(kwargs: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments."""
    found = {"type": "vit", "size": list(size), "remainder": "cut", **renamed(kwargs, _NAMES)}
    for name in ("out_dim", "rep_size"):  # 0 is none, too
        found[name] = found.get(name) or None
    if "pool" in found:
        found["pool"] = _POOLS.get(found["pool"], found["pool"])
    if found.get("posemb") == "sincos2d":
        del found["size"]
    return found


def outputs(model: Any, image: Array) -> tuple[Array, Outputs]:
    """What big_vision's ViT returns, and its `out`."""
    with tap.capture() as captured:
        final = model.embed(image)
    return final, {**captured, **grids(model, image)}


def grids(model: Any, image: Array, prefix: str = "") -> Outputs:
    """What a model's head makes of each patch, if it can be asked, by big_vision's names."""
    patches = model.patches(image) if hasattr(model, "patches") else {}
    return {f"{prefix}{name}_2d": value for name, value in patches.items()}


@compares("vit")
def vit(reference: Reference) -> Iterator[Comparison]:
    """Outputs, intermediates and gradients of one ViT; loading of older files; position tables alone."""
    if "cases" in reference.meta:
        yield from _loading(reference)
    elif "resample_posemb" in reference.meta["call"].get("function", ""):
        yield from _positions(reference)
    else:
        yield from _model(reference)


def _model(reference: Reference) -> Iterator[Comparison]:
    kwargs = reference.meta["kwargs"]
    size = reference.group("inputs")["image"].shape[1:3]
    parameters = reference.group("checkpoint") or reference.group("params")
    model = loaded(spec(settings(kwargs, size)), parameters)
    if reference.group("checkpoint"):
        yield from compare_parameters("params", model, reference.group("params"), 0.0)

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        final, captured = outputs(model, inputs["image"])
        return jnp.mean(jnp.square(final)), {**captured, "final": final}

    low = kwargs.get("dtype_mm") == "bfloat16"
    yield from compare(reference, model, forward, output=3e-2 if low else 1e-5)


def _loading(reference: Reference) -> Iterator[Comparison]:
    """One file in several layouts; parameters that are not loaded keep the recorded initial values."""
    cases = reference.group("case")
    for tag, case in reference.meta["cases"].items():
        image = reference.group("inputs")["image_hi" if tag == "hires_posemb" else "image"]
        file = below(cases, f"{tag}/checkpoint") or reference.group("params")
        if tag == "subtree_img":
            file = {f"img/{name}": leaf for name, leaf in file.items()}
        model = loaded(
            spec(settings(case["model_cfg"], image.shape[1:3])),
            file,
            skip=tuple(case["dont_load"]),
            subtree="img" if tag == "subtree_img" else "",
            initial=below(cases, f"{tag}/init"),
        )
        resampled = 1e-6 if tag == "hires_posemb" else 0.0
        yield from compare_parameters(f"case/{tag}", model, below(cases, f"{tag}/loaded"), resampled)
        final = eqx.filter_jit(lambda model, image: model.embed(image))(model, jnp.asarray(image))
        yield close(f"{tag}/final", final, reference.group("outputs")[f"{tag}/final"], 1e-5)


def _positions(reference: Reference) -> Iterator[Comparison]:
    old = reference.group("inputs")
    for name, theirs in reference.group("outputs").items():
        if name.startswith("new_"):
            ours = resample_grid(old[name.replace("new_", "old_")], theirs.shape)
        else:
            sizes = re.fullmatch(r"sincos2d_(\d+)x(\d+)_d(\d+)(?:_temp(\d+))?", name)
            assert sizes, name
            height, width, channels = map(int, sizes.groups()[:3])
            ours = sincos2d(height, width, channels, temperature=float(sizes[4] or 10_000))
        yield close(name, ours, theirs, 1e-5)
