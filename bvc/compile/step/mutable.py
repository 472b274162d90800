"""Mutable state in the step: statistics from the forward pass, reduced, and the model of the next step from them.

All examples of a step see the state of its beginning, in how many parts they are worked off, too: statistics of parts
and devices are reduced as the model declares, and the state advances once. A perturbed gradient (SAM) leaves none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
from jax import lax
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key, PyTree, Shaped

from bvc.compile.construct import is_array
from bvc.compile.typed import trace
from bvc.compile.update.rules import Treatment
from bvc.compile.wiring import Wires, wire
from bvc.component.declare import Method
from bvc.component.mutable import Reduction, mutable_leaves
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import rules as catalog
from bvc.ir import ModelNode

Statistics = Mapping[str, Shaped[Array, "..."]]


@dataclass(frozen=True)
class Advance:
    """How a model's mutable state advances.

    Attributes:
        method: the model's method.
        wires: its ports -> the model's outputs.
        reduction: what becomes of the statistics of several devices and parts.
    """

    method: Method
    wires: Wires
    reduction: Reduction

    def statistics(self, outputs: Mapping[str, Any]) -> Statistics:
        """What the state learns from, of these examples."""
        return self.wires.read({"model": outputs})  # type: ignore[return-value]

    def __call__(
        self,
        params: PyTree,
        static: PyTree,
        summed: Statistics,
        contributions: int,
        moves: Sequence[bool],
        key: Key[Array, ""],
        mesh: Mesh | AbstractMesh,
    ) -> PyTree:
        """The parameters with the state of the next step.

        Args:
            params: the array half of the model.
            static: the other half.
            summed: the statistics, added up over devices and parts.
            contributions: of how many devices times parts.
            moves: for each array leaf whether it is mutable state that may change.
            key: for what is random in it.
            mesh: every device computes the whole: state that lies in parts is brought together first.
        """
        statistics = summed
        if self.reduction == "mean":
            statistics = {name: value / contributions for name, value in summed.items()}
        leaves, tree = jax.tree.flatten(params)
        whole = NamedSharding(mesh, PartitionSpec())
        # state: [V/axis, D] -> [V, D], added by the compiler
        together = [
            lax.with_sharding_constraint(leaf, whole) if moved else leaf
            for leaf, moved in zip(leaves, moves, strict=True)
        ]
        model = eqx.combine(jax.tree.unflatten(tree, together), static)
        given = {"key": key} if "key" in self.method.given else {}
        advanced = getattr(model, self.method.name)(**statistics, **given)
        after = jax.tree.leaves(eqx.filter(advanced, is_array))
        return jax.tree.unflatten(
            tree,
            [new if moved else leaf for leaf, new, moved in zip(leaves, after, moves, strict=True)],
        )


def check_state(node: ModelNode, leaves: Sequence[Treatment]) -> list[Diagnostic]:
    """State that would stay as it starts: that of a model inside another one, which does not advance it."""
    state = [leaf.name for leaf in leaves if leaf.advances]
    if not state or node.component.advance is not None:
        return []
    return [catalog.state_stands_still(node.name, state, node.origin)]


def make_advance(node: ModelNode, module: eqx.Module, outputs: Mapping[str, Any]) -> Advance | None:
    """How the state of a model advances; None for one without state.

    Args:
        node: the model's node.
        module: the abstract model.
        outputs: its outputs, abstractly.

    Raises:
        Failed: a statistic is not among the outputs, or does not fit.
    """
    found = node.component.advance
    if found is None or not any(mutable_leaves(module)):
        return None
    method, reduction = found
    available = {"model": outputs}
    wires, diagnostics = wire(node, method, available)
    if not diagnostics:
        key = jax.eval_shape(lambda: jax.random.key(0))
        given = {"key": key} if "key" in method.given else {}

        def run(ports: Mapping[str, Any], module: eqx.Module, given: Mapping[str, Any]) -> Any:
            return getattr(module, method.name)(**ports, **given)

        diagnostics = trace(node, method, wires, available, run, module, given).diagnostics
    if diagnostics:
        raise Failed(diagnostics)
    return Advance(method, wires, reduction)
