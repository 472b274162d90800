"""What a run carries from step to step, and nothing else does."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, PyTree

from bvc.compile.mesh.layout import Layout
from bvc.compile.step.ema import Ema
from bvc.compile.update.optimizer import Update


class State(NamedTuple):
    """The state of training after `step` updates; also that of the data, whose position is `step`.

    Attributes:
        step: number of updates done.
        params: the array half of the model.
        optimizer: the optimizer's state (`Update`).
        ema: averages of the parameters, if the spec asks for them (`Ema`).
    """

    step: Int[Array, ""]
    params: PyTree[Float[Array, "..."]]
    optimizer: dict[str, Any]
    ema: dict[str, Float[Array, "..."]] | None = None


def first_state(params: PyTree[Float[Array, "..."]], update: Update, ema: Ema | None = None) -> State:
    """The state before the first step; traceable, so that it can be made in place on a mesh."""
    averages = None if ema is None else ema.init(params)
    return State(jnp.zeros((), jnp.int32), params, update.init(params), averages)


def state_specs(state: State, layout: Layout) -> State:
    """The PartitionSpec of every leaf of a state (arrays or ShapeDtypeStructs)."""
    params = jax.tree.unflatten(jax.tree.structure(state.params), layout.specs)
    return State(PartitionSpec(), params, layout.of_state(state.optimizer), layout.of_state(state.ema))  # type: ignore[arg-type]


def state_shardings(state: State, layout: Layout, mesh: jax.sharding.Mesh) -> State:
    """The sharding of every leaf of a state on a mesh with devices."""
    return jax.tree.map(
        lambda spec: NamedSharding(mesh, spec),
        state_specs(state, layout),
        is_leaf=lambda node: isinstance(node, PartitionSpec),
    )
