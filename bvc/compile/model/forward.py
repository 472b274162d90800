"""From a batch to its loss: the model and the objective, wired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Key, Shaped

from bvc.compile.blame import returned
from bvc.compile.construct import Steps
from bvc.compile.dims import arrives
from bvc.compile.model.objective import Objective, make_objective
from bvc.compile.step.gradient import STATISTICS
from bvc.compile.step.mutable import Advance, make_advance
from bvc.compile.typed import trace
from bvc.compile.wiring import Wires, by_root, wire
from bvc.component.loss import Loss
from bvc.component.mesh import MeshContext
from bvc.diagnostics import Diagnostic, Failed, Label, Place
from bvc.ir import ModelNode, TermNode

Batch = Mapping[str, Shaped[Array, "b *dims"]]


@dataclass(frozen=True)
class Forward:
    """The loss of a batch: called inside `shard_map` on this device's part of it."""

    model: Wires
    objective: Objective
    takes_keys: bool
    advance: Advance | None = None
    static: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the model's call that are drawn: setting -> value."""

    @property
    def paths(self) -> frozenset[str]:
        """Everything that is read."""
        return frozenset((*self.model.paths.values(), *self.objective.paths))

    @property
    def coupled(self) -> bool:
        """Whether the loss of an example depends on other examples."""
        return self.objective.coupled

    def __call__(
        self, model: eqx.Module, batch: Batch, keys: Key[Array, "b"] | None, mesh: MeshContext
    ) -> Loss:
        """The part of the loss that these examples contribute."""
        outputs = self.outputs(model, batch, keys)
        statistics = outputs.pop(STATISTICS, {})
        return self.judge(outputs, batch, mesh)._replace(statistics=statistics)

    def outputs(self, model: eqx.Module, batch: Batch, keys: Key[Array, "b"] | None) -> dict[str, Any]:
        """What the objective reads of the model."""
        ports = {**self.model.read(by_root(batch)), **self.static}
        found = call_model(ports, model, keys if self.takes_keys else None)
        read = self.objective.paths
        outputs = {name: value for name, value in found.items() if f"model.{name}" in read}
        return outputs if self.advance is None else outputs | {STATISTICS: self.advance.statistics(found)}

    def judge(self, outputs: Mapping[str, Any], batch: Batch, mesh: MeshContext) -> Loss:
        """The objective, given what it reads of the model."""
        return self.objective({"model": outputs, **by_root(batch)}, mesh)


def make_forward(
    model: ModelNode,
    module: eqx.Module,
    objective: Sequence[TermNode],
    batch: Mapping[str, jax.ShapeDtypeStruct],
    steps: Steps,
    makers: Mapping[str, Place],
    droppers: Mapping[str, Label],
    batch_maker: Place,
    static: Mapping[str, Any],
) -> Forward:
    """Wire model and objective, and evaluate both abstractly.

    Args:
        model: the model's node.
        module: the abstract model.
        objective: the terms of the objective.
        batch: the features of a batch, abstractly, with what frozen modules answer.
        steps: turns durations into steps.
        makers: `batch.F` -> the op that makes F.
        droppers: F -> the op that drops F.
        batch_maker: the pipeline.
        static: settings of the model's call that are drawn.

    Raises:
        Failed: with what does not fit, at the node where it does not.
    """
    call = model.component.call
    takes_keys = "keys" in call.given
    given = by_root(batch)
    wires, diagnostics = wire(model, call, given, droppers=droppers, batch_maker=batch_maker)
    _stop(diagnostics)
    count = next((array.shape[0] for array in batch.values()), 0)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), count)) if takes_keys else None

    def run(ports: Mapping[str, Any], module: Any, keys: Key[Array, "b"] | None) -> Any:
        return call_model({**ports, **static}, module, keys)

    traced = trace(model, call, wires, given, run, module, keys, makers=makers)
    _stop(traced.diagnostics)
    returned(model, isinstance(traced.result, Mapping), "a dict of named outputs", traced.result)
    outputs = {name: array for name, array in traced.result.items() if arrives(array)}
    own = {f"model.{name}": model.origin.mend for name in outputs}
    available = {"model": outputs, **given}
    judge = make_objective(objective, available, steps, {**makers, **own}, droppers, batch_maker)
    return Forward(wires, judge, takes_keys, make_advance(model, module, outputs), static)


def call_model(ports: Mapping[str, Any], module: Any, keys: Key[Array, "b"] | None) -> Any:
    """A model's outputs; it is given keys only where something is random."""
    return module(**ports) if keys is None else module(**ports, keys=keys)


def _stop(diagnostics: list[Diagnostic]) -> None:
    if diagnostics:
        raise Failed(diagnostics)
