"""Recorded likelihoods of GIVT's densities, from raw outputs to the loss."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from bvc.library.layers.masking import mask_rate
from bvc.library.layers.mixture import mixture
from bvc.library.objectives.gmm_nll import gmm_nll
from tests.parity.optim import within
from tests.parity.reference import Comparison, Reference, compares


@compares("GIVT mixture log-likelihood")
def likelihoods(reference: Reference) -> Iterator[Comparison]:
    """Densities of all layouts from raw outputs, their losses with gradients, and schedules of masks."""
    inputs, outputs = reference.group("inputs"), reference.group("outputs")
    for case, described in reference.meta["cases"].items():
        given = {name: jnp.asarray(inputs[key]) for name, key in described["inputs"].items()}
        if "ratio" in given:
            schedule = re.search(r"method='(.+)'", described["op"])
            assert schedule is not None
            found: dict[str, Any] = {"mask_ratio": mask_rate(given["ratio"], schedule.group(1))}
        else:
            found = _likelihood(described["op"], given)
        for name, place in described["outputs"].items():
            yield within(f"{case}/{name}", found[name], outputs[place], described["tolerance"])


def _likelihood(op: str, given: Mapping[str, Any]) -> dict[str, Any]:
    options = ast.literal_eval(op[op.index("{") : op.index("}") + 1])
    layout = "channel" if options.get("per_channel_mixtures", True) else "vector"
    temperatures = {name: float(value) for name, value in re.findall(r"(temperature_\w+)=([\d.]+)", op)}

    def log_prob(raw: Any) -> Any:
        density = mixture(
            raw,
            options["out_dim"],
            options["num_mixtures"],
            "full" if options.get("multivariate") else layout,
            fix_square_plus=options.get("fix_square_plus", False),
            **temperatures,
        )
        return density.log_prob(given["x"])

    hidden = given.get("input_mask")

    def loss(raw: Any) -> Any:
        found = gmm_nll(log_prob(raw), hidden)
        return found.total / found.weight

    found = {
        "nll": -log_prob(given["logits"]),
        "loss": loss(given["logits"]),
        "grad_of_mean": jax.grad(loss)(given["logits"]),
    }
    if hidden is not None:
        found["fraction_masked_out"] = jnp.mean(hidden, axis=1)
    return found
