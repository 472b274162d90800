"""The step is compiled while the first state is made: both take seconds, and neither waits for the other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import jax
from jaxtyping import PyTree


@contextmanager
def compiling(function: Any, *like: PyTree[jax.Array | jax.ShapeDtypeStruct]) -> Iterator[None]:
    """Compile a jitted function in a thread while the body runs; both have ended afterwards.

    Args:
        function: when it is called with arguments that are `like` these, shardings included, it is found compiled.
        like: its arguments.

    Raises:
        jax.errors.JaxRuntimeError: it cannot be compiled.
    """
    # Traced here: two traces at once may share more or less of what they trace, from one run to the next, and what is
    # kept of earlier compilations is found by the program's text.
    lowered = function.lower(*like)
    with ThreadPoolExecutor(1, "bvc-compile") as threads:
        compiled = threads.submit(lowered.compile)
        yield
        compiled.result()
