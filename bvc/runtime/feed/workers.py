"""How many processes prepare examples."""

from __future__ import annotations

import os

import jax


def suggested_workers() -> int:
    """Worker processes for this machine.

    Where the cores compute the steps too, none if there are hardly any beside those; where an accelerator does, two at
    least, since one thread would leave the second core idle. On one core processes gain nothing.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores == 1 or (cores == 2 and jax.default_backend() == "cpu"):
        return 0
    return min(max(cores - 1, 2), 16)
