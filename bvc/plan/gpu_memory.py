"""How much of a GPU's memory a run may use. Imports no jax: it is said before a backend starts."""

from __future__ import annotations

from collections.abc import MutableMapping

SHARE = 0.95
"""Of all memory; the rest is for CUDA's context and its libraries. jax alone would leave a quarter unused."""

_VARIABLE = "XLA_CLIENT_MEM_FRACTION"
_DECISIONS = (
    _VARIABLE,
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "XLA_PYTHON_CLIENT_ALLOCATOR",
)
"""jax's variables; where one is set, somebody has decided."""


def claim(environment: MutableMapping[str, str]) -> None:
    """Let jax take as much of a GPU as plans for absent ones count on."""
    if not any(name in environment for name in _DECISIONS):
        environment[_VARIABLE] = str(SHARE)
