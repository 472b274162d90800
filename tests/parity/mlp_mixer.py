"""Recorded MLP-Mixers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.layers import tap
from tests.parity._model import Outputs, compare, compare_parameters, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, close, compares

_NAMES = {"patch_size": "patch", "num_classes": "out_dim", "num_blocks": "depth", "hidden_dim": "width"}


def settings(kwargs: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments."""
    found = renamed(kwargs, _NAMES, unseen=("model_name",))
    return {
        "type": "mlp_mixer",
        "size": list(size),
        "remainder": "pad",
        **found,
        "out_dim": found.get("out_dim") or None,
    }


@compares("mixer")
def mixer(reference: Reference) -> Iterator[Comparison]:
    """Outputs and gradients of one Mixer; what stochastic depth may do to it."""
    size = reference.group("inputs")["image"].shape[1:3]
    model = loaded(
        spec(settings(reference.meta["kwargs"], size)),
        reference.group("checkpoint") or reference.group("params"),
    )
    if reference.group("checkpoint"):
        yield from compare_parameters("params", model, reference.group("params"), 0.0)
    if reference.meta["call"].get("train"):
        yield from _dropped(reference, model)
        return

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        with tap.capture() as captured:
            final = model.embed(inputs["image"])
        return jnp.mean(jnp.square(final)), {**captured, "final": final}

    yield from compare(reference, model, forward)


def _dropped(reference: Reference, model: Any) -> Iterator[Comparison]:
    """big_vision's draws are not ours: each recorded block must be ours with some branches left out."""
    recorded = reference.group("outputs")
    x = recorded["input_tokens"]
    for index in range(model.blocks.depth):
        block = jax.tree.map(lambda leaf, layer=index: leaf[layer], model.blocks.layer)
        theirs = recorded[f"block_{index}"]
        choices = [(1.0, 1.0)] if index == 0 else list(itertools.product((0.0, 1.0), repeat=2))
        found = [
            np.asarray(block(jnp.asarray(x), keep=jnp.tile(jnp.array(keep), (len(x), 1)))) for keep in choices
        ]
        errors = np.abs(np.stack(found) - theirs).max(axis=(2, 3)).argmin(axis=0)
        nearest = np.stack([found[choice][example] for example, choice in enumerate(errors)])
        yield close(f"block_{index}", nearest, theirs, 1e-5)
        x = theirs
