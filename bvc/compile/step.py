"""One step of training: loss and gradient inside `shard_map`, the update outside it, both in one program.

Inside, every device has its part of the batch and of the parameters, and every collective is written where it
happens: parameters are gathered and their gradients reduced in `component/shard.py`, blocks of pairwise losses
travel in the objectives, and the sums of the loss are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, Key, PyTree, Shaped

from bvc.compile.layout import Layout
from bvc.compile.mesh import Grid
from bvc.compile.optimizer import Update
from bvc.compile.randomness import example_keys, step_key
from bvc.compile.state import State, state_shardings
from bvc.component.execution import Execution, executing
from bvc.component.loss import Loss
from bvc.component.mesh import MeshContext
from bvc.component.shard import Shard

Batch = Mapping[str, Shaped[Array, "b ..."]]
Metrics = dict[str, Float[Array, ""]]
Step = Callable[[State, Batch], tuple[State, Metrics]]


class Forward(Protocol):
    """The wired experiment: this device's examples through model and objective."""

    def __call__(self, model: Any, batch: Batch, keys: Key[Array, "b"], mesh: MeshContext) -> Loss:
        """The loss that these examples contribute. Parameters arrive in parts, to be gathered where used."""
        ...


@dataclass(frozen=True)
class Training:
    """All that a step is made of; nothing of it is an array or a device.

    Attributes:
        forward: the wired experiment.
        static: the half of the model that is not arrays (`eqx.partition`).
        layout: where the parameters live.
        update: the optimizer.
        grid: the mesh.
        seed: seed of the run.
        unroll: apply stacked layers one by one (CPU) instead of scanning over them.
        reduce: dtype in which gradients are summed over devices.
    """

    forward: Forward
    static: PyTree
    layout: Layout
    update: Update
    grid: Grid
    seed: int = 0
    unroll: bool = False
    reduce: Any = jnp.float32


def make_step(training: Training, mesh: jax.sharding.Mesh | AbstractMesh) -> Step:
    """The step as a pure function, to be traced: `(state, batch) -> (state, metrics)`.

    On an AbstractMesh it can be evaluated abstractly, without devices.
    """

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        loss, gradients = loss_and_gradients(training, mesh, state.params, batch, state.step)
        updated = training.update(gradients, state.optimizer, state.params, state.step)
        return State(state.step + 1, updated.params, updated.state), {**loss, **updated.metrics}

    return step


def compile_step(training: Training, mesh: jax.sharding.Mesh, state: State) -> Step:
    """The step on devices; the state that it is given is used up (donated).

    Args:
        training: what the step is made of.
        mesh: the grid with devices.
        state: the state, or its ShapeDtypeStructs.

    Metrics come back as arrays that may not be computed yet.
    """
    lies = state_shardings(state, training.layout, mesh)
    batch = NamedSharding(mesh, training.grid.batch_spec)
    return jax.jit(
        make_step(training, mesh),
        in_shardings=(lies, batch),
        out_shardings=(lies, NamedSharding(mesh, PartitionSpec())),
        donate_argnums=0,
    )


def abstract_step(training: Training, state: State, batch: Mapping[str, jax.ShapeDtypeStruct]) -> ClosedJaxpr:
    """The jaxpr of the whole step, traced without devices from ShapeDtypeStructs of state and global batch."""
    return jax.make_jaxpr(make_step(training, training.grid.abstract()))(state, dict(batch))


def loss_and_gradients(
    training: Training,
    mesh: jax.sharding.Mesh | AbstractMesh,
    params: PyTree[Float[Array, "..."]],
    batch: Batch,
    step: Int[Array, ""],
) -> tuple[Metrics, list[Float[Array, "..."] | None]]:
    """The loss of a global batch with its metrics, and its gradient for every trained leaf (None for frozen ones)."""
    context = training.grid.context
    leaves, tree = jax.tree.flatten(params)
    trained = training.update.trained
    execution = Execution(context, training.unroll, training.reduce)

    def local(
        leaves: list[Float[Array, "..."]], batch: Batch, step: Int[Array, ""]
    ) -> tuple[Metrics, list[Float[Array, "..."]]]:
        moving = [leaf for leaf, moves in zip(leaves, trained, strict=True) if moves]
        fixed = [leaf for leaf, moves in zip(leaves, trained, strict=True) if not moves]
        count = next(iter(batch.values())).shape[0]
        keys = example_keys(step_key(training.seed, "model", step), count, context)

        def objective(moving: list[Float[Array, "..."]]) -> tuple[Float[Array, ""], Metrics]:
            rest, own = iter(fixed), iter(moving)
            whole = jax.tree.unflatten(tree, [next(own) if moves else next(rest) for moves in trained])
            parts = training.layout.shards(whole, context)
            model = eqx.combine(parts, training.static, is_leaf=lambda node: isinstance(node, Shard))
            loss = training.forward(model, batch, keys, context)
            return reduce_loss(loss, context)

        with executing(execution):
            (_, metrics), gradients = jax.value_and_grad(objective, has_aux=True)(moving)
        return metrics, gradients

    if context.axes:
        specs = list(training.layout.specs)
        out = [spec for spec, moves in zip(specs, trained, strict=True) if moves]
        local = jax.shard_map(
            local,
            mesh=mesh,
            in_specs=(specs, training.grid.batch_spec, PartitionSpec()),
            out_specs=(PartitionSpec(), out),
        )
    metrics, gradients = local(leaves, dict(batch), step)
    found = iter(gradients)
    return metrics, [next(found) if moves else None for moves in trained]


def reduce_loss(loss: Loss, mesh: MeshContext) -> tuple[Float[Array, ""], Metrics]:
    """The loss of the global batch from what each device contributes, and the metrics that are logged with it."""
    value = _mean(loss.total, loss.weight, mesh)
    metrics = {name: _mean(*pair, mesh) for name, pair in loss.metrics.items()}
    return value, {"training_loss": value, **metrics}


def _mean(total: Float[Array, ""], weight: Float[Array, ""], mesh: MeshContext) -> Float[Array, ""]:
    # total, weight: f32[] {unreduced over the batch axes} -> f32[]
    whole = mesh.sum(jax.lax.stop_gradient(weight))
    return mesh.sum(total) / jnp.maximum(whole, jnp.finfo(whole.dtype).tiny)
