"""`[perturbation]`: gradients at the worst parameters nearby (SAM, arXiv:2010.01412; GSAM, arXiv:2203.08065).

The gradient of the step is taken twice: at the parameters, and at the parameters moved by rho along the first one. It
works on global arrays outside `shard_map`, as the update does, so norms and products are those of the whole model
under any layout. (big_vision moves the parameters on each device by the gradient of its own examples, so that its
result depends on the number of devices.) What is frozen is neither moved nor counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from bvc.compile.construct import Steps
from bvc.compile.update.schedule import Schedule, make_schedule
from bvc.ir import PerturbationNode

Leaves = Sequence[Float[Array, "..."]]
Gradients = Sequence[Float[Array, "..."] | None]
"""One per array leaf of the model; None where it is frozen."""

_TINY = 1e-12


@dataclass(frozen=True)
class Perturbation:
    """SAM, and with `alpha` GSAM.

    Attributes:
        rho: how far the parameters are moved in the step after `step` updates.
        alpha: how strongly the gap between both losses is minimized, too.
        adaptive: every parameter is moved in proportion to its size.
        minimize: whose loss is minimized.
    """

    rho: Schedule
    alpha: float
    adaptive: bool
    minimize: Literal["perturbed", "clean"]

    def __call__(
        self,
        gradients_at: Callable[[list[Float[Array, "..."]]], Gradients],
        leaves: Leaves,
        clean: Gradients,
        step: Int[Array, ""],
    ) -> tuple[list[Float[Array, "..."] | None], dict[str, Float[Array, ""]]]:
        """The gradient to be used, and what is logged: `rho`.

        Args:
            gradients_at: the gradients of the same batch at other leaves.
            leaves: the model's array leaves.
            clean: the gradients there.
            step: updates done before.
        """
        rho = self.rho(step)
        stretch = rho / (optax.tree.norm(clean) + _TINY)
        moved = [
            leaf
            if gradient is None
            else (leaf + stretch * gradient * (jnp.abs(leaf) if self.adaptive else 1.0)).astype(leaf.dtype)
            for leaf, gradient in zip(leaves, clean, strict=True)
        ]
        return self._combined(clean, gradients_at(moved)), {"rho": rho}

    def _combined(self, clean: Gradients, perturbed: Gradients) -> list[Float[Array, "..."] | None]:
        if self.minimize == "clean":
            return _added(clean, self.alpha, _across(perturbed, clean))
        if not self.alpha:
            return list(perturbed)
        return _added(perturbed, -self.alpha, _across(clean, perturbed))


def make_perturbation(
    node: PerturbationNode, lr: Callable[[Int[Array, ""]], Float[Array, ""]], steps: Steps, total: int
) -> Perturbation:
    """The perturbation that a table describes.

    Args:
        node: the table.
        lr: the learning rate after so many updates.
        steps: turns durations into steps.
        total: length of the run in steps.

    Raises:
        Failed: the schedule refuses a setting.
    """
    schedule = make_schedule(node.schedule, steps, total)

    def rho(step: Int[Array, ""]) -> Float[Array, ""]:
        if node.lr is None:
            return node.rho[1] * schedule(step)
        lowest, highest = node.lr
        if lowest == highest:
            return jnp.float32(node.rho[1])
        return node.rho[0] + (node.rho[1] - node.rho[0]) * (lr(step) - lowest) / (highest - lowest)

    return Perturbation(rho, node.alpha, node.adaptive, node.minimize)


def _across(gradients: Gradients, along: Gradients) -> list[Float[Array, "..."] | None]:
    """The part of `gradients` that is orthogonal to `along`, over the whole model."""
    pairs = [(g, a) for g, a in zip(gradients, along, strict=True) if g is not None and a is not None]
    product = sum((jnp.vdot(g, a) for g, a in pairs), start=jnp.zeros(()))
    square = sum((jnp.vdot(a, a) for _, a in pairs), start=jnp.zeros(()))
    share = product / jnp.maximum(square, jnp.finfo(square.dtype).tiny)
    return [None if g is None or a is None else g - share * a for g, a in zip(gradients, along, strict=True)]


def _added(gradients: Gradients, factor: float, others: Gradients) -> list[Float[Array, "..."] | None]:
    return [
        None if g is None or other is None else g + factor * other
        for g, other in zip(gradients, others, strict=True)
    ]
