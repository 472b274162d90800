"""`[ema]`: an exponential moving average of what changes in training (Polyak, 1992), kept in the state and saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
from jaxtyping import Array, Float, Int, PyTree

from bvc.compile.construct import Steps
from bvc.compile.update.rules import Treatment
from bvc.compile.update.schedule import Schedule, make_schedule
from bvc.ir import EmaNode

Averages = Mapping[str, Float[Array, "..."]]
"""Name of a leaf -> its average; they lie on the mesh as their parameters do."""


@dataclass(frozen=True)
class Ema:
    """The average after a step: decay * before + (1 - decay) * parameters; mutable state is taken as it is.

    Attributes:
        decay: what remains of the average in the step after `step` updates.
        treatments: what the optimizer does to each array leaf.
    """

    decay: Schedule
    treatments: Sequence[Treatment]

    def init(self, params: PyTree[Float[Array, "..."]]) -> dict[str, Float[Array, "..."]]:
        """The averages before the first step: the parameters themselves."""
        leaves = jax.tree.leaves(params)
        return {
            each.name: leaf + 0  # a buffer of its own: both are donated to the step
            for each, leaf in zip(self.treatments, leaves, strict=True)
            if _changes(each)
        }

    def __call__(
        self, averages: Averages, params: PyTree[Float[Array, "..."]], step: Int[Array, ""]
    ) -> dict[str, Float[Array, "..."]]:
        """The averages after an update.

        Args:
            averages: those before.
            params: the parameters after it.
            step: updates done before it.
        """
        decay = self.decay(step)
        found: dict[str, Float[Array, "..."]] = {}
        for each, leaf in zip(self.treatments, jax.tree.leaves(params), strict=True):
            if each.mutable and _changes(each):
                found[each.name] = leaf
            elif _changes(each):
                old = averages[each.name]
                found[each.name] = (leaf + decay * (old - leaf)).astype(old.dtype)
        return found

    def averaged(
        self, params: PyTree[Float[Array, "..."]], averages: Averages
    ) -> PyTree[Float[Array, "..."]]:
        """The parameters with their averages in place of those that change."""
        leaves, tree = jax.tree.flatten(params)
        named = zip(self.treatments, leaves, strict=True)
        return jax.tree.unflatten(tree, [averages.get(each.name, leaf) for each, leaf in named])


def make_ema(node: EmaNode, treatments: Sequence[Treatment], steps: Steps, total: int) -> Ema:
    """The average that a table describes.

    Raises:
        Failed: the schedule refuses a setting.
    """
    schedule = make_schedule(node.schedule, steps, total)
    return Ema(lambda step: node.decay * schedule(step), treatments)


def _changes(each: Treatment) -> bool:
    return each.advances if each.mutable else not each.frozen
