"""The update of the parameters: big_vision's chain, in its order, with rules resolved per parameter.

clip by the global norm of what is trained -> transform -> * lr -> * lr_mult -> + decay * parameter -> * schedule ->
zero where frozen -> negate. So decay is scaled by the schedule, but not by the learning rate (INVENTORY Part 7 of
big_vision's reference).

It runs outside `shard_map` on global arrays, so that it is right under any layout; the few collectives that this
takes are the compiler's.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Float, Int, PyTree

from bvc.compile.blame import returned
from bvc.compile.construct import Steps, construct
from bvc.compile.update.arithmetic import add, divide, multiply, sum_entries
from bvc.compile.update.extra import OFFERED, asked, unmet
from bvc.compile.update.rules import Treatment, Treatments, treat
from bvc.compile.update.schedule import Schedule, make_schedule
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import rules
from bvc.ir import Optimizer

Group = dict[str, Float[Array, "..."]]


class Updated(NamedTuple):
    """Parameters and state after an update, and what is logged of it (norms as in big_vision)."""

    params: PyTree[Float[Array, "..."]]
    state: dict[str, Any]
    metrics: dict[str, Float[Array, ""]]


class Update:
    """The compiled optimizer.

    The transform sees flat dicts, name -> array, of what is trained. Layers of a stack pass through it one by one
    (vmap over dim 0), so that statistics of a tensor are those of one layer's tensor; its state therefore is
    `{"single": ..., "layers12": ...}`: one state for tensors that are not stacked, one for each depth.
    """

    def __init__(
        self,
        transform: optax.GradientTransformation,
        treatments: Sequence[Treatment],
        schedules: Sequence[Schedule],
        *,
        lr: float,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        total: int = 1,
    ) -> None:
        """`total` is the length of the run in steps, for transforms that ask for progress."""
        self.transform = transform
        self.asked = asked(transform)
        self.total = total
        self.treatments = tuple(treatments)
        self.schedules = tuple(schedules)
        self.lr = lr
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm

    @property
    def trained(self) -> tuple[bool, ...]:
        """For each array leaf in tree order: whether any of it is trained."""
        return tuple(not each.frozen for each in self.treatments)

    @property
    def advancing(self) -> tuple[bool, ...]:
        """For each array leaf in tree order: whether it is mutable state that changes."""
        return tuple(each.advances for each in self.treatments)

    def init(self, params: PyTree[Float[Array, "..."]]) -> dict[str, Any]:
        """The state before the first update; frozen leaves have none."""
        return {
            name: (self.transform.init if depth is None else jax.vmap(self.transform.init))(group)
            for name, (depth, group) in self._groups(jax.tree.leaves(params)).items()
        }

    def masked(self, gradients: Sequence[Float[Array, "..."] | None]) -> list[Float[Array, "..."] | None]:
        """Gradients with zeros for those layers of a stack that are frozen."""
        return [
            None if gradient is None else _where_trained(gradient, treatment)
            for gradient, treatment in zip(gradients, self.treatments, strict=True)
        ]

    def rate(self, step: Int[Array, ""]) -> Float[Array, ""]:
        """The learning rate after `step` updates, by the first schedule that is in use: the optimizer's own."""
        return self.lr * self.schedules[0](step)

    def __call__(
        self,
        gradients: Sequence[Float[Array, "..."] | None],
        state: dict[str, Any],
        params: PyTree[Float[Array, "..."]],
        step: Int[Array, ""],
        loss: Float[Array, ""] | None = None,
    ) -> Updated:
        """One update.

        Args:
            gradients: one per array leaf in tree order; None for frozen leaves.
            state: the optimizer's state.
            params: the parameters.
            step: number of updates done before; the first one uses schedule(0).
            loss: of this step; only transforms that ask for it need it.
        """
        leaves, tree = jax.tree.flatten(params)
        masked = self.masked(gradients)
        norm = _norm(masked)
        extra = {name: step / self.total if name == "progress" else loss for name in self.asked}
        moves = self._transformed(masked, state, leaves, norm, extra)
        factors = jnp.stack([schedule(step) for schedule in self.schedules])
        updates: list[Float[Array, "..."] | None] = []
        changed: list[Float[Array, "..."]] = []
        for treatment, leaf in zip(self.treatments, leaves, strict=True):
            update = (
                None if treatment.frozen else self._scaled(moves[0][treatment.name], leaf, treatment, factors)
            )
            updates.append(update)
            changed.append(leaf if update is None else add(leaf, update).astype(leaf.dtype))
        metrics = {
            "l2_grads": norm,
            "l2_params": _norm(
                [leaf for leaf, each in zip(changed, self.treatments, strict=True) if not each.mutable]
            ),
            "l2_updates": _norm(updates),
        }
        for index in range(len(self.schedules)):
            metrics[f"global_schedule{index or ''}"] = factors[index]
        return Updated(jax.tree.unflatten(tree, changed), moves[1], metrics)

    def _transformed(
        self,
        gradients: Sequence[Float[Array, "..."] | None],
        state: dict[str, Any],
        params: Sequence[Float[Array, "..."]],
        norm: Float[Array, ""],
        extra: Mapping[str, Any],
    ) -> tuple[Group, dict[str, Any]]:
        moves: Group = {}
        after: dict[str, Any] = {}
        of_params = self._groups(params)
        for name, (depth, group) in self._groups(gradients).items():
            clipped = group if self.clip_norm is None else _clip(group, norm, self.clip_norm)
            update = functools.partial(self.transform.update, **extra)
            apply = update if depth is None else jax.vmap(update)
            moved, after[name] = apply(clipped, state[name], of_params[name][1])
            moves.update(moved)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return moves, after

    def _scaled(
        self,
        move: Float[Array, "..."],
        leaf: Float[Array, "..."],
        treatment: Treatment,
        factors: Float[Array, "n"],
    ) -> Float[Array, "..."]:
        move = multiply(move, self.lr)
        if any(mult != 1.0 for mult in treatment.lr_mult):
            move = multiply(move, _per_layer(treatment.lr_mult, leaf.ndim))
        if self.weight_decay and any(treatment.decay_mult):
            rates = [self.weight_decay * mult for mult in treatment.decay_mult]
            move = add(move, multiply(_per_layer(rates, leaf.ndim), leaf))
        if len(set(treatment.schedule)) == 1:
            move = multiply(move, factors[treatment.schedule[0]])
        else:
            move = move * factors[np.asarray(treatment.schedule)].reshape(-1, *[1] * (leaf.ndim - 1))
        return lax.neg(_where_trained(move, treatment))

    def _groups(self, leaves: Sequence[Any]) -> dict[str, tuple[int | None, Group]]:
        groups: dict[str, tuple[int | None, Group]] = {}
        for treatment, leaf in zip(self.treatments, leaves, strict=True):
            if treatment.frozen:
                continue
            name = "single" if treatment.depth is None else f"layers{treatment.depth}"
            groups.setdefault(name, (treatment.depth, {}))[1][treatment.name] = leaf
        return groups


def make_update(optimizer: Optimizer, model: PyTree, steps: Steps, total: int) -> Update:
    """The update that an optimizer's table describes, for the arrays (or ShapeDtypeStructs) of a model.

    Args:
        optimizer: the table.
        model: the model's arrays, for their names and shapes.
        steps: turns durations into steps.
        total: length of the run in steps.

    Raises:
        Failed: a rule matches nothing, a component refuses a setting, or its transform asks for what a step lacks.
    """
    treatments: Treatments = treat(optimizer, model)
    transform = construct(optimizer.transform, steps)
    right = isinstance(transform, optax.GradientTransformation)
    returned(optimizer.transform, right, "an `optax.GradientTransformation`", transform)
    wanted = unmet(transform)
    if wanted:
        place = optimizer.transform.origins.get("type", optimizer.transform.origin)
        raise Failed(rules.transform_asks(optimizer.transform.name, wanted, OFFERED, place))
    return Update(
        transform,
        treatments.leaves,
        [make_schedule(node, steps, total) for node in treatments.schedules],
        lr=optimizer.lr,
        weight_decay=optimizer.weight_decay,
        clip_norm=optimizer.clip_norm,
        total=total,
    )


def _norm(arrays: Sequence[Float[Array, "..."] | None]) -> Float[Array, ""]:
    # As optax, whose detour by complex numbers is a third of what an update takes to trace.
    return jnp.sqrt(sum(sum_entries(lax.square(x)) for x in arrays if x is not None))


def _clip(group: Group, norm: Float[Array, ""], limit: float) -> Group:
    # As optax, to the last bit: unchanged below the limit, no epsilon. One factor for all entries would be cheaper, but
    # then moments in half precision round otherwise than recorded.
    within = norm < limit

    def clipped(g: Float[Array, "..."]) -> Float[Array, "..."]:
        return lax.select(within, g, multiply(divide(g, norm.astype(g.dtype)), limit))

    return jax.tree.map(clipped, group)


def _where_trained(x: Float[Array, "..."], treatment: Treatment) -> Float[Array, "..."]:
    if all(treatment.trained):
        return x
    return jnp.where(np.asarray(treatment.trained).reshape(-1, *[1] * (x.ndim - 1)), x, 0)


def _per_layer(values: Sequence[float], ndim: int) -> Any:
    """A number, or one for each layer along dim 0 where they differ."""
    if len(set(values)) == 1:
        return values[0]
    return np.asarray(values, np.float32).reshape(-1, *[1] * (ndim - 1))
