"""Mutable state: parts of a model that learn from what passes through them, and not by gradients.

A codebook, statistics of batches. Its arrays are parameters like others (named, laid out, saved), but the optimizer
leaves them alone. The model's outputs hold the statistics of a batch, and a method marked with `@advances` makes the
model of the next step from them.
"""

# pyright: basic
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import equinox as eqx
import jax
from jaxtyping import PyTree

T = TypeVar("T", bound=Callable[..., object])

Reduction = Literal["sum", "mean"]
"""What becomes of the statistics of several devices, and of several parts of a batch: of equally many examples each."""


class Mutable(eqx.Module):
    """Base of modules whose arrays are mutable state."""


@dataclass(frozen=True, slots=True)
class Advances:
    """The mark of `@advances`."""

    reduction: Reduction


def advances(reduction: Reduction) -> Callable[[T], T]:
    """Mark the method that makes the model of the next step: `advanced(self, statistic.., *, key) -> eqx.Module`.

    Its ports are outputs of the model of the same names, reduced over all devices and parts of the batch; only the
    arrays of `Mutable` modules are taken from what it returns. `key` is the same on all devices.
    """

    def mark(method: T) -> T:
        method.__bvc_advances__ = Advances(reduction)  # type: ignore[attr-defined]
        return method

    return mark


def mutable_leaves(module: PyTree) -> tuple[bool, ...]:
    """For each leaf in tree order whether it is mutable state."""

    def inside(node: object) -> bool:
        return isinstance(node, Mutable)

    marked = jax.tree.map(lambda node: jax.tree.map(lambda _: inside(node), node), module, is_leaf=inside)
    return tuple(jax.tree.leaves(marked))
