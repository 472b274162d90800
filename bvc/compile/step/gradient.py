"""Loss and gradient of a batch inside `shard_map`: at once, or in parts that need less memory.

Accumulation is exact. The loss of a batch is a sum over examples by a sum of weights, so where examples do not
meet, sums and gradients of parts add up and are divided once. Where they do (pairwise losses), the model's outputs
for the whole batch come first, then the loss of all of them, and its gradient is carried back part by part. A part
is a slice of each device's examples; dropout and the like are drawn by the example's position in the batch, so
parts change no draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Key, PyTree, Shaped

from bvc.component import regather
from bvc.component.execution import execution
from bvc.component.loss import Loss
from bvc.component.mesh import MeshContext
from bvc.component.shard import gather

Batch = Mapping[str, Shaped[Array, "b ..."]]
Metrics = dict[str, Float[Array, ""]]
Statistics = Mapping[str, Shaped[Array, "..."]]
Leaves = list[Float[Array, "..."]]
FORWARD = "forward_only"
"""The scope of what is computed before the loss and not differentiated; the plan tells the passes apart by it."""
Assemble = Callable[[Leaves], Any]
"""From the trained leaves to the model, its parameters in parts, to be gathered where used."""


STATISTICS = "statistics of mutable state"
"""Where `Forward.outputs` holds what mutable state learns from."""


class Worked(NamedTuple):
    """What came of a batch: metrics, gradients of the trained leaves, and what mutable state learns from it."""

    metrics: Metrics
    gradients: Leaves
    statistics: Statistics


class Forward(Protocol):
    """The wired experiment, for this device's examples."""

    @property
    def coupled(self) -> bool:
        """Whether the loss of an example depends on other examples."""
        ...

    def __call__(self, model: Any, batch: Batch, keys: Key[Array, "b"], mesh: MeshContext) -> Loss:
        """The loss that these examples contribute."""
        ...

    def outputs(self, model: Any, batch: Batch, keys: Key[Array, "b"]) -> Mapping[str, Shaped[Array, "..."]]:
        """What the objective reads of the model."""
        ...

    def judge(self, outputs: Mapping[str, Any], batch: Batch, mesh: MeshContext) -> Loss:
        """The objective, given what it reads of the model."""
        ...


def at_once(
    replicated: list[bool],
    forward: Forward,
    assemble: Assemble,
    moving: Leaves,
    batch: Batch,
    keys: Key[Array, "b"],
    mesh: MeshContext,
) -> Worked:
    """Metrics and gradients of the global batch; `replicated` tells which of `moving` every device holds whole."""

    def objective(moving: Leaves) -> tuple[Float[Array, ""], tuple[Metrics, Statistics]]:
        loss = forward(assemble(moving), batch, keys, mesh)
        total, metrics = reduce_loss(loss, mesh)
        return total, (metrics, dict(loss.statistics))

    _, (metrics, statistics), gradients = _differentiated(objective, moving, replicated)
    return Worked(metrics, gradients, _summed(statistics, mesh))


def in_parts(
    parts: int,
    replicated: list[bool],
    forward: Forward,
    assemble: Assemble,
    moving: Leaves,
    batch: Batch,
    keys: Key[Array, "b"],
    mesh: MeshContext,
) -> Worked:
    """The same numbers as `at_once` up to rounding, with the activations of a part of the batch at a time.

    Args:
        parts: how many; divides the number of examples of a device.
        replicated: which of `moving` every device holds whole; their gradients are summed over devices once,
            after the last part.
        forward: the wired experiment.
        assemble: makes the model.
        moving: the trained leaves.
        batch: this device's examples.
        keys: a key for each.
        mesh: the mesh.
    """
    pieces = split_in_parts((dict(batch), keys), parts)

    def spread(moving: Leaves) -> Leaves:
        return [gather(leaf) if whole else leaf for leaf, whole in zip(moving, replicated, strict=True)]

    own, pull = jax.vjp(spread, moving)
    work = _Work(parts, replicated, forward, assemble, own, (dict(batch), keys), pieces, mesh)
    metrics, gradients, statistics = _coupled(work) if forward.coupled else _apart(work)
    return Worked(metrics, pull(gradients)[0], _summed(statistics, mesh))


def split_in_parts(
    arrays: PyTree[Shaped[Array, "b ..."]], parts: int
) -> PyTree[Shaped[Array, "parts p ..."]]:
    """This device's examples as parts of equal size, in order."""
    return jax.tree.map(lambda x: x.reshape(parts, -1, *x.shape[1:]), arrays)


def reduce_loss(loss: Loss, mesh: MeshContext) -> tuple[Float[Array, ""], Metrics]:
    """The loss of the global batch from what each device contributes, and the metrics logged with it."""
    sums = _sums(loss, mesh)
    metrics = {name: _mean(*pair) for name, pair in sums.items()}
    return metrics["training_loss"], metrics


@dataclass(frozen=True, slots=True)
class _Work:
    """A batch in parts: how many, what works on them, the leaves as each device uses them, the batch and its pieces."""

    parts: int
    replicated: list[bool]
    forward: Forward
    assemble: Assemble
    own: Leaves
    whole: tuple[Batch, Key[Array, "b"]]
    pieces: Any
    mesh: MeshContext


def _apart(work: _Work) -> Worked:
    forward, assemble, mesh = work.forward, work.assemble, work.mesh

    def total(own: Leaves, batch: Batch, keys: Key[Array, "b"]) -> tuple[Float[Array, ""], Any]:
        loss = forward(assemble(own), batch, keys, mesh)
        return loss.total, (_sums(loss, mesh), dict(loss.statistics))

    def turn(carry: Any, piece: Any) -> tuple[Any, None]:
        _, sums, gradients = _differentiated(lambda own: total(own, *piece), work.own, work.replicated)
        return jax.tree.map(jnp.add, carry, (sums, gradients)), None

    zeros = jax.tree.map(
        lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(total, work.own, *work.whole)[1]
    )
    start = ((zeros[0], jax.tree.map(mesh.spread, zeros[1])), jax.tree.map(jnp.zeros_like, work.own))
    ((sums, statistics), gradients), _ = lax.scan(turn, start, work.pieces, unroll=written_out(mesh))
    weight = _positive(sums["training_loss"][1])
    metrics = {name: _mean(*pair) for name, pair in sums.items()}
    return Worked(metrics, [(gradient / weight).astype(gradient.dtype) for gradient in gradients], statistics)


def _coupled(work: _Work) -> Worked:
    parts, forward, assemble, mesh = work.parts, work.forward, work.assemble, work.mesh

    def encode(own: Leaves, piece: Any) -> tuple[Any, Statistics]:
        outputs: dict[str, Any] = dict(forward.outputs(assemble(own), *piece))
        return outputs, outputs.pop(STATISTICS, {})

    with jax.named_scope(FORWARD):
        _, (found, each) = lax.scan(
            lambda _, piece: (None, encode(work.own, piece)), None, work.pieces, unroll=written_out(mesh)
        )
    statistics = {name: jnp.sum(value, axis=0, dtype=value.dtype) for name, value in each.items()}
    wanted = jax.eval_shape(encode, work.own, work.whole)[0]
    # A temperature, say, is the same for every part: no dim of it grows with the number of examples.
    per_example = jax.tree.map(lambda each, all_: each.shape[1:] != all_.shape, found, wanted)
    outputs = jax.tree.map(
        lambda each, grows, all_: each.reshape(all_.shape) if grows else each[0], found, per_example, wanted
    )
    smooth, rest = eqx.partition(outputs, eqx.is_inexact_array)

    def judged(smooth: Any) -> tuple[Float[Array, ""], Metrics]:
        return reduce_loss(forward.judge(eqx.combine(smooth, rest), work.whole[0], mesh), mesh)

    (_, metrics), pulls = jax.value_and_grad(judged, has_aux=True)(smooth)
    shares = jax.tree.map(
        lambda pull, grows: (
            pull.reshape(parts, -1, *pull.shape[1:]) if grows else jnp.stack([pull / parts] * parts)
        ),
        pulls,
        eqx.filter(per_example, jax.tree.map(eqx.is_inexact_array, outputs)),
    )

    def turn(gradients: Leaves, piece: Any) -> tuple[Leaves, None]:
        inputs, share = piece
        _, pull = _vjp(work.replicated)(
            lambda own: eqx.filter(encode(own, inputs)[0], eqx.is_inexact_array), work.own
        )
        return jax.tree.map(jnp.add, gradients, pull(share)[0]), None

    start = jax.tree.map(jnp.zeros_like, work.own)
    gradients, _ = lax.scan(turn, start, (work.pieces, shares), unroll=written_out(mesh))
    return Worked(metrics, gradients, statistics)


def _vjp(replicated: list[bool]) -> Callable[..., Any]:
    return jax.vjp if all(replicated) else regather.vjp


def _differentiated(
    function: Callable[[Leaves], tuple[Float[Array, ""], Any]], leaves: Leaves, replicated: list[bool]
) -> tuple[Float[Array, ""], Any, Leaves]:
    """A value, what else the function returns, and the gradients; whole weights do not wait for them."""
    value, pull, aux = _vjp(replicated)(function, leaves, has_aux=True)
    return value, aux, pull(jnp.ones_like(value))[0]


def written_out(mesh: MeshContext) -> bool:
    """Whether parts are written out: on CPU devices, a loop with collectives may wait for itself forever."""
    return execution().unroll and bool(mesh.axes)


def _summed(statistics: Statistics, mesh: MeshContext) -> Statistics:
    # statistic: [..] {unreduced over the batch axes} -> [..]
    return {name: mesh.sum(value) for name, value in statistics.items()}


def _sums(loss: Loss, mesh: MeshContext) -> dict[str, tuple[Float[Array, ""], Float[Array, ""]]]:
    # total, weight: f32[] {unreduced over the batch axes} -> f32[]
    pairs = {"training_loss": (loss.total, loss.weight), **loss.metrics}
    return {
        name: (mesh.sum(total), mesh.sum(lax.stop_gradient(weight)))
        for name, (total, weight) in pairs.items()
    }


def _mean(total: Float[Array, ""], weight: Float[Array, ""]) -> Float[Array, ""]:
    return total / _positive(weight)


def _positive(weight: Float[Array, ""]) -> Float[Array, ""]:
    return jnp.maximum(weight, jnp.finfo(weight.dtype).tiny)  # a batch in which nothing counts has loss 0
