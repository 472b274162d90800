"""Compiled programs are kept on disk, so that a run that continues does not compile again."""

from __future__ import annotations

import os
from pathlib import Path

import jax

VARIABLE = "JAX_COMPILATION_CACHE_DIR"
"""jax's own variable; where it is set, it decides (empty: nothing is kept)."""

_WORTH_SECONDS = 0.1
"""Programs that took longer to compile are kept; jax's own second leaves out half of what a start waits for."""


def keep_compiled() -> None:
    """Let jax keep what it compiles in the user's cache folder, where it may be written."""
    if VARIABLE in os.environ:
        return
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = base / "bvc" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written: the run goes on and compiles
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _WORTH_SECONDS)
