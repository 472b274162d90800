"""Batch transforms: what they make of a batch, abstractly, and how the step applies them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Array, Int, Key, Shaped

from bvc.compile.blame import blamed, returned
from bvc.compile.construct import Steps, arguments, refused
from bvc.compile.dims import feature_of
from bvc.compile.step.randomness import step_key
from bvc.component.error import PortError, SettingError
from bvc.component.mesh import MeshContext
from bvc.diagnostics import Failed, Label
from bvc.diagnostics.catalog import pipeline as catalog
from bvc.ir import OpNode

Batch = Mapping[str, Shaped[Array, "b *dims"]]
Abstract = Mapping[str, jax.ShapeDtypeStruct]


@dataclass(frozen=True)
class Transform:
    """A transform with its settings, called inside `shard_map` on this device's part of the batch."""

    node: OpNode
    settings: Mapping[str, Any]

    def __call__(self, batch: Batch, key: Key[Array, ""], mesh: MeshContext) -> dict[str, Any]:
        """The transformed batch; `key` is the same on all devices."""
        component = self.node.component
        given = {"batch": batch, "key": key, "mesh": mesh}
        known = {name: value for name, value in given.items() if name in component.call.given}
        return component.target(**known, **self.settings)


def transformed(
    transforms: Sequence[Transform], batch: Batch, seed: int, step: Int[Array, ""], mesh: MeshContext
) -> Batch:
    """The batch after all transforms; what they draw is a function of seed, step, name and position."""
    for transform in transforms:
        key = jax.random.fold_in(step_key(seed, transform.node.name, step), transform.node.position)
        batch = transform(batch, key, mesh)
    return batch


def make_transforms(
    nodes: Sequence[OpNode], batch: Abstract, steps: Steps, writer: Callable[[str], Label | None]
) -> tuple[tuple[Transform, ...], Abstract]:
    """The transforms, and the batch that they make.

    Args:
        nodes: the calls, in order.
        batch: the batch before them.
        steps: turns durations into steps.
        writer: points at the op that wrote a feature.

    Raises:
        Failed: a transform refuses a setting or a feature (B0313), or is a user's and fails.
    """
    made: list[Transform] = []
    for node in nodes:
        transform = Transform(node, arguments(node, steps))
        batch = _abstractly(transform, batch, writer)
        made.append(transform)
    return tuple(made), batch


def _abstractly(transform: Transform, batch: Abstract, writer: Callable[[str], Label | None]) -> Abstract:
    node = transform.node
    key = jax.eval_shape(lambda: jax.random.key(0))
    try:
        with blamed(node):
            result = jax.eval_shape(lambda batch, key: transform(batch, key, MeshContext()), dict(batch), key)
    except PortError as error:
        present = {name: feature_of(array) for name, array in batch.items()}
        place, label = node.origin, writer(error.name)
        raise Failed(
            catalog.op_refuses(node.name, error.name, error.reason, place, present, label, error.help)
        ) from error
    except SettingError as error:
        raise Failed(refused(node, error)) from error
    right = isinstance(result, Mapping) and all(hasattr(array, "shape") for array in result.values())
    returned(node, right, "a batch, a dict of arrays", result)
    return result
