"""Recorded gradients of SAM and GSAM, with the table of a spec."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from bvc.bind.found import Found
from bvc.bind.parts import bind_perturbation
from bvc.bind.value import Reader
from bvc.compile.step.perturbation import Perturbation, make_perturbation
from bvc.ir import PerturbationNode
from bvc.spec import load
from tests.parity._optimizer import in_steps
from tests.parity.optim import within
from tests.parity.reference import Comparison, Reference, compares

PARAMS = ("w1", "b1", "w2")


@compares("GSAM / SAM gradients")
def gsam(reference: Reference) -> Iterator[Comparison]:
    """The clean loss, and the gradient that is used."""
    inputs = {name: jnp.asarray(value) for name, value in reference.group("inputs").items()}

    def loss(params: list[jax.Array]) -> jax.Array:
        first, bias, second = params
        logits = jnp.tanh(inputs["x"] @ first + bias) @ second
        return -jnp.mean(jnp.sum(inputs["y"] * jax.nn.log_softmax(logits), axis=-1))

    params = [inputs[name] for name in PARAMS]
    clean_loss, clean = jax.value_and_grad(loss)(params)
    for case, about in reference.meta["cases"].items():
        found, _ = _perturbation(about["config"])(jax.grad(loss), params, clean, jnp.int32(0))
        ours = {"loss": clean_loss, **dict(zip(PARAMS, found, strict=True))}
        for name, value in ours.items():
            recorded = reference.group("outputs")[f"{case}/{name}"]
            yield within(f"{case}/{name}", value, recorded, about["tolerance"])


def _perturbation(config: Mapping[str, Any]) -> Perturbation:
    """The recorded configuration, bound as a user's would be."""
    minimize = "perturbed" if config.get("minimize_fp", True) else "clean"
    text = f"""
[perturbation]
rho = [{config["rho_min"]}, {config["rho_max"]}]
lr = [{config["lr_min"]}, {config["lr_max"]}]
alpha = {config["alpha"]}
adaptive = {str(config.get("adaptive_perturbation", False)).lower()}
minimize = "{minimize}"
"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recorded.toml"
        file.write_text(text)
        spec = load(str(file))
    found = Found()
    node = bind_perturbation(Reader(found, lambda *_: None), spec.tree.items["perturbation"], 1.0)
    assert isinstance(node, PerturbationNode), found.diagnostics
    return make_perturbation(node, lambda step: jnp.float32(config["lr"]), in_steps({}, 1), 1)
