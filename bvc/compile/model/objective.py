"""`[objective]` wired: one objective, or a weighted sum of several.

The sum of a step is that of its terms' means, each over its own weight in the whole batch. Each term is logged as
`loss_NAME`, and what it logs itself as `NAME/...`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from bvc.compile.blame import returned
from bvc.compile.construct import Steps, arguments
from bvc.compile.typed import trace
from bvc.compile.update.schedule import Scheduled, now, scheduled
from bvc.compile.wiring import Wires, wire
from bvc.component.loss import Loss
from bvc.component.mesh import MeshContext
from bvc.diagnostics import Diagnostic, Failed, Label, Place
from bvc.ir import TermNode

Arrays = Mapping[str, Mapping[str, Any]]
"""root (`model`, `frozen`, `batch`) -> name -> array."""


@dataclass(frozen=True)
class Term:
    """One objective with its wiring."""

    node: TermNode
    wires: Wires
    settings: Mapping[str, Any]
    weight: float | Scheduled = 1.0

    def __call__(self, ports: Mapping[str, Any], mesh: MeshContext | None = None) -> Loss:
        """The loss, given an array for each port."""
        component = self.node.component
        given = {"mesh": mesh or MeshContext()} if "mesh" in component.call.given else {}
        settings = {name: now(value) for name, value in self.settings.items()}
        if component.is_class:
            return component.target(**settings)(**ports, **given)
        return component.target(**ports, **given, **settings)


@dataclass(frozen=True)
class Objective:
    """What is minimized."""

    terms: tuple[Term, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that is read."""
        return tuple(dict.fromkeys(path for term in self.terms for path in term.wires.paths.values()))

    @property
    def coupled(self) -> bool:
        """Whether the loss of an example depends on others: by a term that sees the mesh, or by the terms' weights."""
        return len(self.terms) > 1 or any("mesh" in term.node.component.call.given for term in self.terms)

    def __call__(self, arrays: Arrays, mesh: MeshContext) -> Loss:
        """What these examples contribute."""
        losses = [term(term.wires.read(arrays), mesh) for term in self.terms]
        if len(losses) == 1 and not self.terms[0].node.term:
            return losses[0]
        return _sum(self.terms, losses, mesh)


def _sum(terms: Sequence[Term], losses: Sequence[Loss], mesh: MeshContext) -> Loss:
    """The weighted sum as one loss: its weights over all devices add up to 1."""
    total = jnp.zeros(())
    metrics: dict[str, Any] = {}
    for term, loss in zip(terms, losses, strict=True):
        # weight: f32[] {unreduced over the batch axes} -> f32[]
        weight = mesh.sum(lax.stop_gradient(loss.weight))
        total += now(term.weight) * loss.total / jnp.maximum(weight, jnp.finfo(weight.dtype).tiny)
        metrics[f"loss_{term.node.term}"] = (loss.total, loss.weight)
        metrics |= {f"{term.node.term}/{name}": pair for name, pair in loss.metrics.items()}
    return Loss(total, jnp.float32(1 / mesh.shards), metrics)


def make_objective(
    nodes: Sequence[TermNode],
    available: Mapping[str, Mapping[str, jax.ShapeDtypeStruct]],
    steps: Steps,
    makers: Mapping[str, Place],
    droppers: Mapping[str, Label],
    batch_maker: Place,
) -> Objective:
    """Wire the terms and evaluate each abstractly.

    Args:
        nodes: the terms.
        available: root -> name -> abstract array, nearest root first.
        steps: turns durations into steps.
        makers: path -> place in the spec where that array is made.
        droppers: F -> the op that drops F.
        batch_maker: the pipeline.

    Raises:
        Failed: with what does not fit, at the term where it does not.
    """
    terms: list[Term] = []
    wrong: list[Diagnostic] = []
    for node in nodes:
        call = node.component.call
        wires, diagnostics = wire(node, call, available, droppers=droppers, batch_maker=batch_maker)
        settings = {name: scheduled(value, steps) for name, value in arguments(node, steps).items()}
        term = Term(node, wires, settings, scheduled(node.weight, steps))
        if not diagnostics:
            traced = trace(node, call, wires, available, term, makers=makers)
            diagnostics = traced.diagnostics
            if not diagnostics:
                returned(node, isinstance(traced.result, Loss), "a `Loss`", traced.result)
        wrong += diagnostics
        terms.append(term)
    if wrong:
        raise Failed(wrong)
    return Objective(tuple(terms))
