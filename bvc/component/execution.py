"""How the program that is being traced will be executed; set by the compiler, read by `gather` and `layers`."""

# pyright: basic
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp

from bvc.component.mesh import MeshContext


@dataclass(frozen=True, slots=True)
class Execution:
    """Attributes:
    mesh: the mesh around the traced function.
    unroll: apply stacked layers one by one (CPU) instead of scanning over them.
    reduce: dtype in which gradients are summed over devices.
    step: updates done before the step that is traced, a traced number inside it.
    split: what is drawn (initial parameters) lies in parts on several devices.
    shapes: only shapes are asked for, so that initial parameters need not be drawn.
    """

    mesh: MeshContext = field(default_factory=MeshContext)
    unroll: bool = False
    reduce: Any = jnp.float32
    step: Any = 0
    split: bool = False
    shapes: bool = False


_CURRENT: ContextVar[Execution | None] = ContextVar("execution", default=None)


def execution() -> Execution:
    """The execution that is being traced; outside the compiler one device, scanned."""
    return _CURRENT.get() or Execution()


@contextlib.contextmanager
def executing(new: Execution) -> Iterator[None]:
    """Trace what happens inside for this execution."""
    token = _CURRENT.set(new)
    try:
        yield
    finally:
        _CURRENT.reset(token)
