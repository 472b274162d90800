"""Looking at intermediate values: a layer calls `tap(name, value)`, and whoever is capturing gets it.

Without a capture around the call nothing happens and nothing is computed for it. Names are joined by `/` from
the scopes around the call. Inside a capture, stacked layers are applied one by one, so that each is seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from jaxtyping import Array, Shaped

Value = Shaped[Array, "..."]

_CAPTURED: ContextVar[dict[str, Value] | None] = ContextVar("captured", default=None)
_SCOPE: ContextVar[tuple[str, ...]] = ContextVar("scope", default=())


def tap(name: str, value: Value) -> None:
    """Hand `value` to the capture around this call, if there is one; an empty name is the scope's own."""
    captured = _CAPTURED.get()
    if captured is not None:
        captured["/".join(word for word in (*_SCOPE.get(), name) if word)] = value


def capturing() -> bool:
    """Whether a capture is around this call."""
    return _CAPTURED.get() is not None


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """Put `name` before the names of what is tapped inside."""
    token = _SCOPE.set((*_SCOPE.get(), name))
    try:
        yield
    finally:
        _SCOPE.reset(token)


@contextlib.contextmanager
def capture() -> Iterator[dict[str, Value]]:
    """Collect what is tapped inside: name -> value. Under `jit`, return the dict from the traced function."""
    captured: dict[str, Value] = {}
    token = _CAPTURED.set(captured)
    try:
        yield captured
    finally:
        _CAPTURED.reset(token)
