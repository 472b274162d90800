"""A GPU in the words of XLA: the text that stands for a device which is not there.

The fields are those of `GpuTargetConfigProto` (openxla/xla, `xla/stream_executor/device_description.proto`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CUDNN = (9, 10, 0)
"""The version of cuDNN for which code is made: it need not be installed, and no memory depends on it."""


def describe_chip(facts: Mapping[str, Any]) -> str:
    """The description of a GPU, as text.

    Args:
        facts: a file of `stdlib/target`; the table `chip` holds what only the compiler needs.
    """
    chip = facts["chip"]
    capability = str(chip["compute_capability"])
    major, minor = (int(part) for part in capability.rstrip("a").split("."))
    own = "ACCELERATED_FEATURES" if capability.endswith("a") else "NONE"
    shared = chip["shared_kib_per_core"] * 2**10
    device = {
        "threads_per_block_limit": 1024,
        "threads_per_warp": 32,
        "shared_memory_per_block": 48 * 2**10,
        "shared_memory_per_core": shared,
        # one KiB of every block is the system's (CUDA programming guide, "Compute Capabilities")
        "shared_memory_per_block_optin": shared - 2**10,
        "threads_per_core_limit": chip["threads_per_core"],
        "core_count": chip["cores"],
        "fpus_per_core": chip["float32_per_core"],
        "block_dim_limit_x": 2**31 - 1,
        "block_dim_limit_y": 2**16 - 1,
        "block_dim_limit_z": 2**16 - 1,
        "thread_dim_limit_x": 1024,
        "thread_dim_limit_y": 1024,
        "thread_dim_limit_z": 64,
        "registers_per_core_limit": 2**16,
        "registers_per_block_limit": 2**16,
        "memory_bandwidth": int(facts["memory_gb_s"] * 1e9),
        "device_memory_size": int(facts["memory_gib"] * 2**30),
        "l2_cache_size": chip["l2_mib"] * 2**20,
        "clock_rate_ghz": chip["clock_ghz"],
    }
    fields = "\n".join(f"  {name}: {value}" for name, value in device.items())
    version = " ".join(
        f"{name}: {part}" for name, part in zip(("major", "minor", "patch"), _CUDNN, strict=True)
    )
    return f"""gpu_device_info {{
{fields}
  cuda_compute_capability {{ major: {major} minor: {minor} feature_extension: {own} }}
}}
platform_name: "CUDA"
dnn_version_info {{ {version} }}
device_description_str: "{facts["device_kinds"][0]}"
"""
