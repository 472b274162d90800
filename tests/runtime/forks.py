"""Running bvc in forks of a process that has imported it and traced a spec: cheap enough to be killed sixty times.

The server is multiprocessing's own. No backend of jax has started in it, so every fork starts one, as a process that a
user starts does.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

QUICKLY = ("--xla_backend_optimization_level=0", "--xla_cpu_use_fusion_emitters=false")
"""For XLA: machine code that is not optimized, and the older of its two ways to write it."""

SELDOM = (100_000, 50, 1000)
"""For `gc.set_threshold`: traced programs pile up, and looking for cycles among them takes a seventh of a start."""

SPEC = Path(__file__).parent.parent / "specs" / "tiny_vit.toml"


class Fork(NamedTuple):
    """A running command, and the file to which it prints."""

    process: ForkServerProcess
    output: Path

    @property
    def printed(self) -> str:
        """What it has printed."""
        return self.output.read_text() if self.output.exists() else ""

    def ended(self) -> int | None:
        """Its exit status, once it has ended."""
        self.process.join(timeout=600)
        return self.process.exitcode

    def wait_for(self, text: str) -> None:
        """Until it has printed a text."""
        while text not in self.printed:
            assert self.process.is_alive(), self.printed
            time.sleep(0.02)


def fork(
    root: Path, *arguments: str, cache: Path, output: Path, devices: int = 1, in_haste: bool = False
) -> Fork:
    """`bvc ARGUMENTS --data-dir ROOT`; compiled `in_haste` what runs for a second only."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.runtime.preloaded"])
    given = ([*arguments, "--data-dir", str(root)], cache, output, devices, in_haste)
    process = context.Process(target=_run, args=given)
    process.start()
    return Fork(process, output)


def fork_together(
    count: int,
    root: Path,
    *arguments: str,
    cache: Path,
    output: Path,
    devices: int = 1,
    in_haste: bool = False,
) -> list[Fork]:
    """The same command in several processes, which meet at a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{probe.getsockname()[1]}"
    flags = ("--coordinator", at, "--processes", str(count), "--process")
    return [
        fork(
            root, *arguments, *flags, str(number),
            cache=cache, output=output.with_suffix(f".{number}"), devices=devices, in_haste=in_haste,
        )
        for number in range(count)
    ]  # fmt: skip


def _run(arguments: list[str], cache: Path, output: Path, devices: int, in_haste: bool) -> None:
    from bvc.cli import main

    flags = (f"--xla_force_host_platform_device_count={devices}", *(QUICKLY if in_haste else ()))
    os.environ |= {"XDG_CACHE_HOME": str(cache), "XLA_FLAGS": " ".join(flags)}
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.argv = ["bvc", *arguments]
    main()
