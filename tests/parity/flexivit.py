"""Recorded FlexiViTs at several numbers of patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from bvc.library.checkpoints.kernel import resize_kernel
from bvc.library.layers import tap
from tests.parity._model import Outputs, compare, loaded, renamed, spec
from tests.parity.reference import Comparison, Reference, close, compares

_NAMES = {"num_classes": "out_dim", "patch_size": "patch", "num_heads": "heads", "pool_type": "pool"}


def settings(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings for big_vision's keyword arguments."""
    found = renamed(kwargs, _NAMES)
    return {"type": "flexivit", **found, "out_dim": found.get("out_dim") or None}


def _kernels(reference: Reference) -> Iterator[Comparison]:
    for name, theirs in reference.group("outputs").items():
        old = reference.group("inputs")[name]
        if np.abs(theirs).max() > 1e6 * np.abs(old).max():
            # One side grows and the other shrinks: the matrix has not full rank, and big_vision's float32
            # pseudo-inverse without a cutoff magnifies rounding noise. Compare with the definition instead.
            name, theirs = f"{name} (recorded noise; the definition in float64)", _defined(old, theirs.shape)
        yield close(name, resize_kernel(old, theirs.shape), theirs, 1e-5)


def _defined(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The pseudo-inverse of the whole matrix that resizes an image bilinearly."""
    basis = np.eye(kernel.shape[0] * kernel.shape[1]).reshape(-1, *kernel.shape[:2])
    resized = jax.image.resize(basis, (len(basis), *shape[:2]), "linear", antialias=False)
    inverse = np.linalg.pinv(np.asarray(resized, np.float64).reshape(len(basis), -1), rcond=1e-5)
    return (inverse @ kernel.reshape(len(basis), -1)).reshape(shape)


@compares("flexi")
def flexivit(reference: Reference) -> Iterator[Comparison]:
    """Outputs at each number of patches, gradients at the first; or kernels alone."""
    if not reference.group("params"):
        yield from _kernels(reference)
        return
    sides = reference.meta["call"]["seqhw"]
    model = loaded(spec(settings(reference.meta["kwargs"])), reference.group("params"))

    def forward(model: Any, inputs: Mapping[str, Array]) -> tuple[Array, Outputs]:
        image, found = inputs["image"], {}
        for side in sides:
            with tap.capture() as captured, tap.scope(f"seqhw{side}"):
                final = model.embed(image, seqhw=side)
            patch = reference.meta["per_seqhw"][str(side)]["patch_size"]
            positions = model._positions(*captured[f"seqhw{side}/stem"].shape[1:])
            found |= {
                **captured,
                f"seqhw{side}/final": final,
                f"seqhw{side}/resized_kernel": model.embedding.resized(tuple(patch)),
                f"seqhw{side}/resized_posemb": positions.reshape(1, *captured[f"seqhw{side}/stem"].shape[1:]),
            }
        return jnp.mean(jnp.square(found[f"seqhw{sides[0]}/final"])), found

    yield from compare(reference, model, forward)
