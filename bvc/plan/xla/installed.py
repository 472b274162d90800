"""Which compiler a target needs, whether it is installed, and what it must find in its environment."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.target import Target


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that is installed.

    Attributes:
        package: the distribution that holds it.
        environment: what must be set before jax is loaded.
        flags: of XLA, besides those that are set.
    """

    package: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The package with its version."""
        return f"{self.package} {version(self.package)}"


_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}

_TPU = {
    **_QUIET,
    "JAX_PLATFORMS": "cpu",
    # six times faster than the default, with the same peak
    "JAX_OPTIMIZATION_LEVEL": "O0",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    # else libtpu asks the network where it runs; the type need not be that of the target
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
    "TPU_LOG_DIR": "disabled",
}

_CUDA = {
    **_QUIET,
    "JAX_PLATFORMS": "cpu",
    "JAX_SKIP_CUDA_CONSTRAINTS_CHECK": "1",  # of the libraries that only running needs
    "CUDA_VISIBLE_DEVICES": "-1",
}

_NO_TRIALS = ("--xla_gpu_enable_triton_gemm=false",)
"""Tiles of Triton's products are found by trying them on the device; those of cuBLAS take as much memory."""


def find_compiler(target: Target) -> Compiler:
    """The compiler of a target.

    Raises:
        Failed: it is not installed.
    """
    if target.is_here:
        return Compiler("jaxlib", _QUIET)
    if target.kind == "tpu":
        if importlib.util.find_spec("libtpu"):
            return Compiler("libtpu", _TPU)
        raise Failed(catalog.no_compiler(target.name, "libtpu", "tpu"))
    for cuda in ("cuda13", "cuda12"):
        if importlib.util.find_spec("jax_plugins") and importlib.util.find_spec(f"jax_plugins.xla_{cuda}"):
            return Compiler(f"jax-{cuda}-pjrt", _CUDA, _NO_TRIALS)
    raise Failed(catalog.no_compiler(target.name, "jax's plugin for CUDA", "cuda"))
