"""Running bvc in forks of a process that has imported it and traced a spec: cheap enough to be killed sixty times.

The server is multiprocessing's own. No backend of jax has started in it, so every fork starts one, as a process that a
user starts does.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

SPEC = Path(__file__).parent.parent / "specs" / "tiny_vit.toml"


def fork(root: Path, *arguments: str, cache: Path, printed: Path) -> ForkServerProcess:
    """`bvc ARGUMENTS --data-dir ROOT` on one device; what it prints goes to a file."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.runtime.preloaded"])
    process = context.Process(target=_run, args=([*arguments, "--data-dir", str(root)], cache, printed))
    process.start()
    return process


def _run(arguments: list[str], cache: Path, printed: Path) -> None:
    from bvc.cli import main

    os.environ |= {"XDG_CACHE_HOME": str(cache), "XLA_FLAGS": "--xla_force_host_platform_device_count=1"}
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["bvc", *arguments]
    main()
