"""Parameters made on the devices where they lie: no device holds the whole model, not even before the first step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
from jaxtyping import PyTree

from bvc.component.execution import Execution, executing

T = TypeVar("T")

_ONCE: dict[str, dict[str, str | bool]] = {"cpu": {"xla_backend_optimization_level": "1"}}
"""For what runs a single time: less work for LLVM. The numbers stay the same, and a start is half a second shorter."""


def initialized(make: Callable[[], T], lies: PyTree[jax.sharding.Sharding]) -> T:
    """What `make` makes, computed by each device for its own part.

    Args:
        make: a traceable function without arguments.
        lies: the sharding of every array that it returns.
    """
    return compiled(make, lies)()


def compiled(make: Callable[[], T], lies: PyTree[jax.sharding.Sharding]) -> jax.stages.Compiled:
    """The program of `initialized`."""
    split = not all(each.is_fully_replicated for each in jax.tree.leaves(lies))

    def made() -> T:
        with executing(Execution(split=split)):
            return make()

    return jax.jit(made, out_shardings=lies).lower().compile(_ONCE.get(jax.default_backend()))
