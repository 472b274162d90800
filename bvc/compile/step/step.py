"""One step of training: loss and gradient inside `shard_map`, the update outside it, both in one program.

Inside, every device has its part of the batch and of the parameters, and every collective is written where it
happens: parameters are gathered and their gradients reduced in `component/shard.py`, blocks of pairwise losses
travel in the objectives, and the sums of the loss are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, Key, PyTree

from bvc.compile.mesh.layout import Layout
from bvc.compile.mesh.mesh import Grid
from bvc.compile.model.frozen import FrozenModel, with_answers
from bvc.compile.step.draws import split_draws
from bvc.compile.step.ema import Ema
from bvc.compile.step.gradient import Batch, Forward, Metrics, Statistics, Worked, at_once, in_parts
from bvc.compile.step.mutable import Advance
from bvc.compile.step.perturbation import Perturbation
from bvc.compile.step.randomness import example_keys, step_key
from bvc.compile.step.state import State, state_shardings
from bvc.compile.step.transforms import Transform, transformed
from bvc.compile.update.optimizer import Update
from bvc.component.execution import Execution, executing
from bvc.component.shard import Shard

Step = Callable[..., tuple[State, Metrics]]
"""`(state, batch) -> (state, metrics)`; with frozen modules, `(state, batch, parameters of each by name)`."""


FrozenParams = Mapping[str, PyTree[Float[Array, "..."]]]


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
        parts: in how many parts a device works off its examples; changes no number but rounding.
        reduce: dtype in which gradients are summed over devices.
        transforms: what is done to the batch before the model, on the devices.
        frozen: the modules that never change.
        perturbation: where gradients are taken besides.
        advance: how the model's mutable state changes.
        ema: how averages of the parameters change.
    """

    forward: Forward
    static: PyTree
    layout: Layout
    update: Update
    grid: Grid
    seed: int = 0
    unroll: bool = False
    parts: int = 1
    reduce: Any = jnp.float32
    transforms: tuple[Transform, ...] = ()
    frozen: tuple[FrozenModel, ...] = ()
    perturbation: Perturbation | None = None
    advance: Advance | None = None
    ema: Ema | None = None


class Found(NamedTuple):
    """What came of a global batch: metrics, a gradient for every leaf (None for those not trained), statistics."""

    metrics: Metrics
    gradients: list[Float[Array, "..."] | None]
    statistics: Statistics


def make_step(training: Training, mesh: jax.sharding.Mesh | AbstractMesh) -> Step:
    """The step as a pure function, to be traced.

    On an AbstractMesh it can be evaluated abstractly, without devices.
    """

    def step(state: State, batch: Batch, frozen: FrozenParams | None = None) -> tuple[State, Metrics]:
        found = loss_and_gradients(training, mesh, state.params, batch, state.step, frozen)
        loss, gradients = found.metrics, found.gradients
        if training.perturbation is not None:
            leaves, tree = jax.tree.flatten(state.params)

            def gradients_at(moved: list[Float[Array, "..."]]) -> list[Float[Array, "..."] | None]:
                params = jax.tree.unflatten(tree, moved)
                there = loss_and_gradients(training, mesh, params, batch, state.step, frozen)
                return training.update.masked(there.gradients)

            clean = training.update.masked(gradients)
            gradients, told = training.perturbation(gradients_at, leaves, clean, state.step)
            loss = {**loss, **told}
        value = loss["training_loss"]
        updated = training.update(gradients, state.optimizer, state.params, state.step, value)
        params = updated.params
        if training.advance is not None:
            key = step_key(training.seed, "advance", state.step)
            count = training.grid.context.shards * training.parts
            moves = training.update.advancing
            params = training.advance(params, training.static, found.statistics, count, moves, key, mesh)
        averages = None
        if training.ema is not None and state.ema is not None:
            averages = training.ema(state.ema, params, state.step)
        return State(state.step + 1, params, updated.state, averages), {**loss, **updated.metrics}

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
    given = (lies, NamedSharding(mesh, training.grid.batch_spec))
    if training.frozen:
        given = (*given, frozen_shardings(training, mesh))
    return jax.jit(
        make_step(training, mesh),
        in_shardings=given,
        out_shardings=(lies, NamedSharding(mesh, PartitionSpec())),
        donate_argnums=0,
    )


def abstract_step(training: Training, state: State, batch: Mapping[str, jax.ShapeDtypeStruct]) -> ClosedJaxpr:
    """The jaxpr of the whole step, traced without devices from ShapeDtypeStructs of state and global batch."""
    frozen = [{each.name: each.params for each in training.frozen}] if training.frozen else []
    return jax.make_jaxpr(make_step(training, training.grid.abstract()))(state, dict(batch), *frozen)


def frozen_shardings(training: Training, mesh: jax.sharding.Mesh) -> dict[str, PyTree[NamedSharding]]:
    """Where the parameters of the frozen modules lie on a mesh with devices."""
    return {
        each.name: jax.tree.unflatten(
            jax.tree.structure(each.params),
            [NamedSharding(mesh, spec) for spec in training.layout.frozen[each.name].specs],
        )
        for each in training.frozen
    }


def loss_and_gradients(
    training: Training,
    mesh: jax.sharding.Mesh | AbstractMesh,
    params: PyTree[Float[Array, "..."]],
    batch: Batch,
    step: Int[Array, ""],
    frozen: FrozenParams | None = None,
) -> Found:
    """The loss of a global batch with its metrics, its gradients, and what mutable state learns from it."""
    context = training.grid.context
    leaves, tree = jax.tree.flatten(params)
    trained = training.update.trained
    placed = zip(training.layout.leaves, trained, strict=True)
    replicated = [place.axis in (None, context.tensor) for place, moves in placed if moves]
    execution = Execution(context, training.unroll, training.reduce)

    beside = {each.name: jax.tree.leaves((frozen or {})[each.name]) for each in training.frozen}

    def local(
        leaves: list[Float[Array, "..."]],
        batch: Batch,
        step: Int[Array, ""],
        beside: dict[str, list[Float[Array, "..."]]],
    ) -> Worked:
        moving = [leaf for leaf, moves in zip(leaves, trained, strict=True) if moves]
        fixed = [leaf for leaf, moves in zip(leaves, trained, strict=True) if not moves]
        batch, draws = split_draws(batch)
        batch = transformed(training.transforms, batch, training.seed, step, context)
        count = next(iter(batch.values())).shape[0]

        def drawn(purpose: str) -> Key[Array, "b"]:
            return example_keys(step_key(training.seed, purpose, step), count, context)

        def assemble(moving: list[Float[Array, "..."]]) -> Any:
            rest, own = iter(fixed), iter(moving)
            whole = jax.tree.unflatten(tree, [next(own) if moves else next(rest) for moves in trained])
            parts = training.layout.shards(whole, context)
            return eqx.combine(parts, training.static, is_leaf=lambda node: isinstance(node, Shard))

        with executing(replace(execution, step=step)):
            modules = {
                each.name: _frozen_module(training, each, beside[each.name]) for each in training.frozen
            }
            batch = with_answers(training.frozen, modules, batch, drawn, training.parts, context)
            given = (training.forward, assemble, moving, {**batch, **draws}, drawn("model"), context)
            if training.parts == 1:
                return at_once(replicated, *given)
            return in_parts(training.parts, replicated, *given)

    if context.axes:
        specs = list(training.layout.specs)
        beside_specs = {name: list(training.layout.frozen[name].specs) for name in beside}
        out = [spec for spec, moves in zip(specs, trained, strict=True) if moves]
        local = jax.shard_map(
            local,
            mesh=mesh,
            in_specs=(specs, training.grid.batch_spec, PartitionSpec(), beside_specs),
            out_specs=Worked(PartitionSpec(), out, PartitionSpec()),  # type: ignore[arg-type]
        )
    worked = local(leaves, dict(batch), step, beside)
    found = iter(worked.gradients)
    gradients = [next(found) if moves else None for moves in trained]
    return Found(worked.metrics, gradients, worked.statistics)


def _frozen_module(training: Training, frozen: FrozenModel, leaves: list[Float[Array, "..."]]) -> eqx.Module:
    whole = jax.tree.unflatten(jax.tree.structure(frozen.params), leaves)
    parts = training.layout.frozen[frozen.name].shards(whole, training.grid.context)
    return eqx.combine(parts, frozen.static, is_leaf=lambda node: isinstance(node, Shard))
