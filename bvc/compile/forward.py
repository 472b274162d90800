"""From a batch to its loss: the model and the objective, wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Key, Shaped

from bvc.compile.blame import returned
from bvc.compile.construct import Steps, arguments
from bvc.compile.typed import trace
from bvc.compile.wiring import Wires, wire
from bvc.component.loss import Loss
from bvc.component.mesh import MeshContext
from bvc.diagnostics import Diagnostic, Failed, Label, Place
from bvc.ir import ModelNode, Node

Batch = Mapping[str, Shaped[Array, "b *dims"]]


@dataclass(frozen=True)
class Forward:
    """The loss of a batch: called inside `shard_map` on this device's part of it."""

    model: Wires
    objective: Wires
    takes_keys: bool
    node: Node
    settings: Mapping[str, Any]

    @property
    def features(self) -> tuple[str, ...]:
        """Features of the batch that are read."""
        paths = dict.fromkeys((*self.model.paths.values(), *self.objective.paths.values()))
        return tuple(path.removeprefix("batch.") for path in paths if path.startswith("batch."))

    def __call__(
        self, model: eqx.Module, batch: Batch, keys: Key[Array, "b"] | None, mesh: MeshContext
    ) -> Loss:
        """The part of the loss that these examples contribute."""
        return self.judge(self.outputs(model, batch, keys), batch, mesh)

    @property
    def coupled(self) -> bool:
        """Whether the loss of an example depends on others: only with the mesh can an objective know them all."""
        return "mesh" in self.node.component.call.given

    def outputs(self, model: eqx.Module, batch: Batch, keys: Key[Array, "b"] | None) -> dict[str, Any]:
        """What the objective reads of the model."""
        found = _call_model(self.model.read({"batch": batch}), model, keys if self.takes_keys else None)
        read = self.objective.paths.values()
        return {name: value for name, value in found.items() if f"model.{name}" in read}

    def judge(self, outputs: Mapping[str, Any], batch: Batch, mesh: MeshContext) -> Loss:
        """The objective, given what it reads of the model."""
        return self.loss(self.objective.read({"model": outputs, "batch": batch}), mesh)

    def loss(self, ports: Mapping[str, Any], mesh: MeshContext | None = None) -> Loss:
        """The objective, given an array for each of its ports."""
        component = self.node.component
        given = {"mesh": mesh or MeshContext()} if "mesh" in component.call.given else {}
        if component.is_class:
            return component.target(**self.settings)(**ports, **given)
        return component.target(**ports, **given, **self.settings)


def make_forward(
    model: ModelNode,
    module: eqx.Module,
    objective: Node,
    batch: Mapping[str, jax.ShapeDtypeStruct],
    steps: Steps,
    makers: Mapping[str, Place],
    droppers: Mapping[str, Label],
    batch_maker: Place,
) -> Forward:
    """Wire model and objective, and evaluate both abstractly.

    Args:
        model: the model's node.
        module: the abstract model.
        objective: the objective's node.
        batch: the features of a batch, abstractly.
        steps: turns durations into steps.
        makers: `batch.F` -> the op that makes F.
        droppers: F -> the op that drops F.
        batch_maker: the pipeline.

    Raises:
        Failed: with what does not fit, at the node where it does not.
    """
    call = model.component.call
    takes_keys = "keys" in call.given
    wires, diagnostics = wire(model, call, {"batch": batch}, droppers=droppers, batch_maker=batch_maker)
    _stop(diagnostics)
    count = next((array.shape[0] for array in batch.values()), 0)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), count)) if takes_keys else None
    traced = trace(model, call, wires, {"batch": batch}, _call_model, module, keys, makers=makers)
    _stop(traced.diagnostics)
    returned(model, isinstance(traced.result, Mapping), "a dict of named outputs", traced.result)
    outputs = {name: array for name, array in traced.result.items() if hasattr(array, "shape")}
    available = {"model": outputs, "batch": batch}
    loss_wires, diagnostics = wire(
        objective, objective.component.call, available, droppers=droppers, batch_maker=batch_maker
    )
    _stop(diagnostics)
    forward = Forward(wires, loss_wires, takes_keys, objective, arguments(objective, steps))
    own = {f"model.{name}": model.origin.mend for name in outputs}
    traced = trace(
        objective, objective.component.call, loss_wires, available, forward.loss, makers={**makers, **own}
    )
    _stop(traced.diagnostics)
    returned(objective, isinstance(traced.result, Loss), "a `Loss`", traced.result)
    return forward


def _call_model(ports: Mapping[str, Any], module: Any, keys: Any) -> Any:
    return module(**ports) if keys is None else module(**ports, keys=keys)


def _stop(diagnostics: list[Diagnostic]) -> None:
    if diagnostics:
        raise Failed(diagnostics)
