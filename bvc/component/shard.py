"""Sharded parameters inside `shard_map`: one function brings a module's weights together before use.

Every collective that a parameter causes is written here, forward and backward, so that the jaxpr shows all of
them: differentiating a plain all-gather would sum whole weight gradients, in compute precision.
"""

# pyright: basic
from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, Shaped

from bvc.component.execution import execution
from bvc.component.mesh import unvaried, varying

T = TypeVar("T")


class Shard(eqx.Module):
    """Part of a parameter, the one that this device holds.

    `dim` counts from the end (so that slicing the layers of a stack leaves it true); `axis` is the mesh axis
    over which that dim is split. Where a module uses it without `gather`, it is gathered as it is stored.
    """

    value: Shaped[Array, "*dims"]
    dim: int = eqx.field(static=True)
    axis: str = eqx.field(static=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole parameter."""
        shape = list(self.value.shape)
        shape[self.dim] *= execution().mesh.axes[self.axis]
        return tuple(shape)

    @property
    def ndim(self) -> int:
        """Number of dims."""
        return self.value.ndim

    @property
    def dtype(self) -> Any:
        """Dtype in which it is stored."""
        return self.value.dtype

    def astype(self, dtype: Any) -> Shaped[Array, "*whole"]:
        """The whole parameter, in another dtype."""
        return gather(self, dtype).astype(dtype)  # type: ignore[attr-defined]

    def __jax_array__(self) -> Shaped[Array, "*whole"]:
        return gather(self)  # type: ignore[return-value]


class Deferred(eqx.Module):
    """A module whose parameters come together when it is applied, not when those of its parent do."""


@dataclass(frozen=True, slots=True)
class _Move:
    """How a parameter reaches the computation; hashable, since it is static in the traced program.

    Attributes:
        shape, stored: shape and dtype of the parameter as this device holds it.
        compute: dtype in which it is used.
        reduce: dtype in which its gradient is summed.
        batch: the mesh axes over which the gradient is summed.
        axis, dim: what splits the parameter; None for a replicated one.
    """

    shape: tuple[int, ...]
    stored: Any
    compute: Any
    reduce: Any
    batch: tuple[str, ...]
    axis: str | None = None
    dim: int = 0


def gather(module: T, dtype: Any = None) -> T:
    """`module` with whole parameters, to be called right before use.

    A sharded matrix or convolution is cast to `dtype` (compute precision) and gathered; vectors, such as norm
    scales, and replicated parameters keep their dtype. Gradients leave by reduce-scatter, or a sum over the
    batch axes, in the reduction dtype. Calling it twice is harmless; outside a mesh nothing happens.
    A `Stack` inside the module is left as it is: `layers` gathers it layer by layer.
    """
    now = execution()

    def whole(leaf: Any) -> Any:
        if isinstance(leaf, Shard):
            value = leaf.value
            compute = value.dtype if dtype is None or value.ndim < 2 else jnp.dtype(dtype)
            dim = value.ndim + leaf.dim
            move = _Move(value.shape, value.dtype, compute, now.reduce, now.mesh.batch, leaf.axis, dim)
            return _gathered(move, value)
        if eqx.is_inexact_array(leaf):
            axes = unvaried(leaf, now.mesh.batch)
            return (
                _spread(_Move(leaf.shape, leaf.dtype, leaf.dtype, now.reduce, axes), leaf) if axes else leaf
            )
        return leaf

    def stops(node: Any) -> bool:
        return isinstance(node, Shard) or (isinstance(node, Deferred) and node is not module)

    return jax.tree.map(whole, module, is_leaf=stops)


def complete(product: T, *factors: Shaped[Array, "..."]) -> T:
    """`product`, summed over the tensor axis where the dim that it sums over is split along it.

    That is so where all factors hold different values along that axis: hidden units (or heads) of this device
    with the rows of the kernel that belong to them. Where only the kernel does, the product is itself split.
    """
    axis = execution().mesh.tensor
    if axis is None or not all(axis in varying(factor) for factor in factors):
        return product
    return lax.psum(product, axis)  # y: [.., D] {unreduced over tensor} -> [.., D]


def offset_along(x: Shaped[Array, "..."], size: int) -> tuple[int, int | Int[Array, ""]]:
    """Of a dim of `x` that holds `size` entries here: how many there are in all, and where these begin.

    They differ where `x` is split along the tensor axis.
    """
    axis = execution().mesh.tensor
    if axis is None or axis not in varying(x):
        return size, 0
    return size * execution().mesh.axes[axis], lax.axis_index(axis) * size


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gathered(move: _Move, shard: Shaped[Array, "*dims"]) -> Shaped[Array, "*whole"]:
    value = lax.pcast(shard, unvaried(shard, move.batch), to="varying").astype(move.compute)
    # w: f32[.., F/axis, ..] -> bf16[.., F, ..]; along an axis that doesn't split the batch, all devices then
    # compute the same
    to = "varying" if move.axis in move.batch else "invarying"
    return lax.all_gather(value, move.axis, axis=move.dim, tiled=True, to=to)


def _gathered_forward(move: _Move, shard: Shaped[Array, "*dims"]) -> tuple[Shaped[Array, "*whole"], None]:
    return _gathered(move, shard), None


def _gathered_backward(
    move: _Move, _: None, gradient: Shaped[Array, "*whole"]
) -> tuple[Shaped[Array, "*dims"]]:
    gradient = gradient.astype(move.reduce)
    if move.axis in move.batch:
        # g: f32[.., F, ..] {unreduced over axis} -> f32[.., F/axis, ..]
        gradient = lax.psum_scatter(gradient, move.axis, scatter_dimension=move.dim, tiled=True)
    else:
        size = move.shape[move.dim]
        start = lax.axis_index(move.axis) * size
        gradient = lax.dynamic_slice_in_dim(
            gradient, start, size, move.dim
        )  # [.., F, ..] -> [.., F/axis, ..]
    others = tuple(axis for axis in move.batch if axis != move.axis)
    return (_summed(gradient, others).astype(move.stored),)


_gathered.defvjp(_gathered_forward, _gathered_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _spread(move: _Move, value: Shaped[Array, "*dims"]) -> Shaped[Array, "*dims"]:
    return lax.pcast(value, move.batch, to="varying")


def _spread_forward(move: _Move, value: Shaped[Array, "*dims"]) -> tuple[Shaped[Array, "*dims"], None]:
    return _spread(move, value), None


def _spread_backward(move: _Move, _: None, gradient: Shaped[Array, "*dims"]) -> tuple[Shaped[Array, "*dims"]]:
    # g: f32[..] {unreduced over the batch axes} -> f32[..], the same on all of them
    return (_summed(gradient.astype(move.reduce), move.batch).astype(move.stored),)


_spread.defvjp(_spread_forward, _spread_backward)


def _summed(x: Shaped[Array, "*dims"], axes: tuple[str, ...]) -> Shaped[Array, "*dims"]:
    return lax.psum(x, axes) if axes else x
