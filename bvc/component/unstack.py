"""The layers of a stack as arrays of their own, so that XLA on CPU compiles each kernel once for all of them.

Two places of a program share a kernel if their fused ops are the same. Slices of a stack are fused into what uses
them, and so are their offsets where XLA knows them: every layer then has kernels of its own, which took 2.5 times as
long to compile (bench/README.md).
"""

# pyright: basic
from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Inexact, Int, PyTree, Shaped

Numbers = tuple[Int[Array, ""], ...]
"""The number of each layer."""


def unstacked(tree: PyTree[Shaped[Array, "depth *dims"]], depth: int) -> list[PyTree[Shaped[Array, "*dims"]]]:
    """One tree for each layer; gradients are stacked again in one piece."""
    numbers = _unforeseen(depth)
    leaves, structure = jax.tree.flatten(tree)
    columns = [
        _entries(numbers, leaf) if jnp.issubdtype(leaf.dtype, jnp.inexact) else _taken(numbers, leaf)
        for leaf in leaves
    ]
    return [jax.tree.unflatten(structure, [column[layer] for column in columns]) for layer in range(depth)]


def _unforeseen(depth: int) -> Numbers:
    """0, 1, .. depth - 1, as what comes out of a loop that XLA neither unrolls nor evaluates: turned round twice."""
    numbers = tuple(jnp.asarray(layer, jnp.int32) for layer in range(depth))
    return lax.scan(lambda numbers, _: (numbers[::-1], None), numbers, length=2)[0]


def _taken(numbers: Numbers, leaf: Shaped[Array, "depth *dims"]) -> list[Shaped[Array, "*dims"]]:
    return [
        lax.squeeze(lax.dynamic_slice_in_dim(leaf, number, 1, allow_negative_indices=False), [0])
        for number in numbers
    ]


@jax.custom_vjp
def _entries(numbers: Numbers, leaf: Inexact[Array, "depth *dims"]) -> list[Inexact[Array, "*dims"]]:
    return _taken(numbers, leaf)


def _entries_forward(
    numbers: Numbers, leaf: Inexact[Array, "depth *dims"]
) -> tuple[list[Inexact[Array, "*dims"]], None]:
    return _taken(numbers, leaf), None


def _entries_backward(
    _: None, gradients: Sequence[Inexact[Array, "*dims"]]
) -> tuple[None, Inexact[Array, "depth *dims"]]:
    # By itself, the transpose of a slice is a stack of zeros with one entry, and there would be a sum of them.
    return None, jnp.stack(gradients)


_entries.defvjp(_entries_forward, _entries_backward)
