"""Running bvc as its user does: in processes of their own, on one device each or more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
from jax.sharding import SingleDeviceSharding

from bvc.check import check
from bvc.runtime.checkpoints.leaves import named
from bvc.runtime.checkpoints.stored import newest
from bvc.runtime.folder import Folder

SPEC = Path(__file__).parent.parent / "specs" / "tiny_siglip.toml"


def start(
    root: Path, *arguments: str, cache: Path, modules: Path | None = None, devices: int = 1
) -> subprocess.Popen[str]:
    """`bvc ARGUMENTS --data-dir ROOT`, with compiled programs kept in `cache`, and the user's modules in `modules`."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "XLA_FLAGS": flags}
    if modules is not None:
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(modules), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
    return subprocess.Popen(
        [sys.executable, "-m", "bvc", *arguments, "--data-dir", str(root)],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed; it must have ended well."""
    try:
        printed, _ = process.communicate(timeout=600)
    finally:
        process.kill()  # it does not outlive a test that has waited too long
    assert process.returncode == 0, printed
    return printed


def saved(workdir: Path, spec: Path = SPEC) -> tuple[int, dict[str, bytes]]:
    """The step of the newest checkpoint, and the bytes of every array in it."""
    program = check(str(spec)).program
    assert program is not None
    here = SingleDeviceSharding(jax.devices()[0])
    wanted = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), program.state
    )
    loaded, _ = newest(Folder(workdir / "checkpoints"), wanted)
    assert loaded is not None
    return loaded.step, {name: bytes(jax.device_get(leaf)) for name, leaf in named(loaded.state).items()}
