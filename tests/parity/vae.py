"""Recorded VAEs of GIVT and its adaptor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from tests.parity._model import Outputs, compare, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, compares

_NAMES = {
    "input_size": "size",
    "patch_size": "patch",
    "num_heads": "heads",
    "malib_ckpt": "unit_range",
    "norm_type": "norm",
    "activation_fn": "activation",
    "dropout_rate": "dropout",
}
_NORMS = {"GN": "group", "LN": "layer"}


def _settings(reference: Reference, type_: str, *, unseen: tuple[str, ...] = ()) -> dict[str, Any]:
    kwargs = renamed(reference.meta["kwargs"], _NAMES, unseen=unseen)
    if "norm" in kwargs:
        kwargs["norm"] = _NORMS[kwargs["norm"]]
    return {"type": type_, **kwargs}


@compares("givt_vae")
def vae(reference: Reference) -> Iterator[Comparison]:
    """Codes, reconstructions and gradients of one VAE."""
    convolutions = reference.meta["module"].endswith("cnn")
    # What the convolutions need not know: how many codes there are, and a dtype that is float32.
    table = (
        _settings(reference, "cnn_vae", unseen=("code_len", "dtype"))
        if convolutions
        else _settings(reference, "vit_vae")
    )
    model = loaded(spec(table), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        ours = model(inputs["labels"] if "labels" in inputs else inputs["image"])
        final = {"": ours["reconstruction"]}
        decoded = {"": model.decode(inputs["z"])}
        if "labels" in inputs:
            final, decoded = (model.labels(part[""]) for part in (final, decoded))
        found = {name: ours[name] for name in ("mu", "logvar", "z")}
        found |= {f"final/{name}".rstrip("/"): value for name, value in final.items()}
        found |= {f"decode_of_z/x/{name}".rstrip("/"): value for name, value in decoded.items()}
        loss = sum(jnp.mean(jnp.square(value)) for value in final.values())
        return loss + 0.1 * jnp.mean(jnp.exp(jnp.clip(ours["logvar"], -5, 5))), found

    tolerance = 1e-5
    if convolutions:
        tolerance = 2e-3 if reference.meta["kwargs"].get("malib_ckpt") else 1e-4
    yield from compare(reference, model, forward, output=tolerance)


@compares("givt_adaptor")
def adaptor(reference: Reference) -> Iterator[Comparison]:
    """The map, its inverse, and gradients."""
    model = loaded(spec(_settings(reference, "givt_adaptor")), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        there = model(inputs["x"])
        found = {
            "forward": there,
            "inverse_of_forward": model.inverse(there),
            "inverse": model.inverse(inputs["x"]),
        }
        return jnp.mean(jnp.square(there)), found

    yield from compare(reference, model, forward)
