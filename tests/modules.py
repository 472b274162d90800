"""Models for tests: built without values, filled with random ones, compiled in a hurry."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import numpy as np

from bvc.component.names import parameters
from bvc.library.checkpoints.load import with_parameters


def abstract(model: Callable[..., Any], **settings: Any) -> Any:
    """The module without values."""
    return eqx.filter_eval_shape(
        lambda key: model(**settings, key=key), jax.eval_shape(lambda: jax.random.key(0))
    )


def filled(model: Any, seed: int = 0, scale: float = 1.0) -> Any:
    """The module with normal values of that deviation; faster than to compile its initialization."""
    rng = np.random.default_rng(seed)
    return with_parameters(
        model,
        {
            found.name: (scale * rng.normal(size=found.shape)).astype(np.float32)
            for found in parameters(model)
        },
    )


@contextlib.contextmanager
def compiled_in_a_hurry() -> Iterator[None]:
    """Without XLA's optimizations, where compiling takes longer than running."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)
