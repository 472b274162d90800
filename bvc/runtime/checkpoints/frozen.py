"""Parameters from published checkpoints: of a model before its first step, and of frozen modules at every start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, PyTree

from bvc.compile.construct import Steps, build, models
from bvc.compile.step.randomness import purpose_key
from bvc.compile.step.step import Training, frozen_shardings
from bvc.component.error import DataError
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import missing as catalog
from bvc.ir import ModelNode
from bvc.library.checkpoints.load import load_parameters, with_parameters
from bvc.runtime.initialization import initialized

Tell = Callable[[str], None]
"""Takes a text for the user."""


def load_frozen(
    training: Training, mesh: jax.sharding.Mesh, steps: Steps, tell: Tell
) -> Mapping[str, PyTree[Array]]:
    """Name -> parameters of every frozen module, on the devices as the layout says.

    Args:
        training: what the step is made of.
        mesh: the grid with devices.
        steps: turns durations into steps.
        tell: is given the account of every checkpoint.

    Raises:
        Failed: a checkpoint does not fit (B0504).
    """
    lies = frozen_shardings(training, mesh)
    found: dict[str, PyTree[Array]] = {}
    for each in training.frozen:
        key = purpose_key(training.seed, f"frozen/{each.name}")

        def make(node: ModelNode = each.node, key: Any = key) -> PyTree[Array]:
            return eqx.filter(build(node, key, steps), eqx.is_array)

        found[each.name] = replaced(
            initialized(make, lies[each.name]), saved_values(each.node, each.module, tell)
        )
    return found


def replaced(params: PyTree[Array], values: Mapping[str, np.ndarray]) -> PyTree[Array]:
    """The parameters with others in place of those named, lying where they lay."""
    if not values:
        return params
    return jax.tree.map(_laid, with_parameters(params, values), params)


def _laid(new: Array | np.ndarray, old: Array) -> Array:
    if isinstance(new, jax.Array):  # untouched, or some layers of it replaced where they lay
        return new
    # every process has the whole value, and puts its parts where they belong
    return jax.make_array_from_callback(old.shape, old.sharding, lambda at: np.asarray(new)[at])


def saved_values(node: ModelNode, whole: eqx.Module, tell: Tell) -> dict[str, np.ndarray]:
    """Public name -> value, from every checkpoint that a model or a part of it names.

    Args:
        node: the model.
        whole: the module that it describes, abstractly.
        tell: is given the account of every checkpoint.

    Raises:
        Failed: a checkpoint does not fit (B0504).
    """
    values: dict[str, np.ndarray] = {}
    for prefix, part in models(node).items():
        if part.init is None:
            continue
        module: Any = whole
        for name in prefix.split("/")[:-1]:
            module = getattr(module, name)
        try:
            found, account = load_parameters(module, part.init, skip=part.init_skip)
        except DataError as error:
            place = part.origins.get("init", part.origin)
            notes = (error.looked,) if error.looked else ()
            raise Failed(catalog.checkpoint_unfit(part.init, error.what, place, notes, error.help)) from error
        tell(str(account))
        values |= {prefix + name: value for name, value in found.items()}
    return values
