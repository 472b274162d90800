"""The hardware that a plan is for: a known kind, described in `stdlib/target`, or this machine."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import jax

from bvc.compile.mesh.mesh import slices_of
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.gpu_memory import SHARE
from bvc.spec import stdlib_root

DeviceKind = Literal["cpu", "gpu", "tpu"]

THIS_MACHINE = "this machine"
"""The name of the target that needs none."""

_TARGET = re.compile(
    r"(?P<name>[a-z0-9-]+)(?::(?P<shape>[1-9][0-9]*(?:x[1-9][0-9]*)*)(?::(?P<slices>[1-9][0-9]*))?)?"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Devices of one kind.

    A slice is what fast links connect: of TPUs a slice, of GPUs a machine. Between slices there is a network.

    Attributes:
        name: as the user writes it, `tpu-v5e:2x4`, or `this machine`.
        kind: what sort of device it is.
        devices: how many, in all slices.
        memory: bytes that a program may use on one device.
        memory_rate: bytes per second between a device and its memory; None if unknown.
        link_rate: bytes per second that a device sends to others; None if unknown.
        flop_rate: FLOPs per second by dtype of the operands; empty if unknown.
        source: where the facts come from.
        shape: the grid of chips of a slice that the user asked for; empty if only a number was given.
        slices: of equal size; the first axes of the mesh lie over them.
        network_rate: bytes per second that a device sends to other slices; None if unknown.
        host_devices: devices of one host.
        chip_devices: devices of one chip.
    """

    name: str
    kind: DeviceKind
    devices: int
    memory: int
    memory_rate: float | None = None
    link_rate: float | None = None
    flop_rate: Mapping[str, float] = field(default_factory=dict[str, float])
    source: str = ""
    shape: tuple[int, ...] = ()
    slices: int = 1
    network_rate: float | None = None
    host_devices: int = 8
    chip_devices: int = 1

    @property
    def is_here(self) -> bool:
        """Whether the devices are those of this machine."""
        return self.name == THIS_MACHINE

    @property
    def timed(self) -> bool:
        """Whether the rates are known that the time of a step follows from."""
        known = self.memory_rate is not None and self.link_rate is not None and bool(self.flop_rate)
        return known and (self.slices == 1 or self.network_rate is not None)


def target_names() -> list[str]:
    """The kinds of hardware that are known."""
    return sorted(file.stem for file in (stdlib_root() / "target").glob("*.toml"))


def find_target(text: str) -> Target:
    """The target that `NAME`, `NAME:8`, `NAME:2x4` or `NAME:2x4:SLICES` means; without a shape one device.

    A number counts devices; the sides of a shape count chips, of which some have two devices. More GPUs than a
    machine has are on several machines.

    Raises:
        Failed: there is no such hardware, the shape cannot be read, or GPUs do not fill their machines.
    """
    found = _TARGET.fullmatch(text)
    names = target_names()
    if found is None or found["name"] not in names:
        raise Failed(catalog.unknown_target(text, text.split(":")[0], names))
    name = found["name"]
    facts = target_facts(name)
    sizes = [int(size) for size in (found["shape"] or "1").split("x")]
    shape = tuple(sizes) if len(sizes) > 1 else ()
    devices = math.prod(sizes) * (_chip_devices(facts) if shape else 1)
    slices = int(found["slices"] or 1)
    machines = 1
    if facts["kind"] == "gpu" and devices > facts["host_devices"]:
        machines, left = divmod(devices, facts["host_devices"])
        if left:
            raise Failed(catalog.machines_not_full(text, devices, facts["host_devices"]))
    return replace(_from_facts(text, slices * devices, facts), shape=shape, slices=slices * machines)


def this_machine() -> Target:
    """The devices that jax finds here, with the rates of their kind where it is known.

    Of CPUs each has an equal part of the machine's memory.
    """
    devices = jax.devices()
    own = jax.local_devices()  # other processes' devices say nothing of themselves
    stats: Mapping[str, int] = (own[0].memory_stats() if own[0].platform != "cpu" else None) or {}
    memory = stats.get("bytes_limit") or host_memory() // len(own)
    platform = devices[0].platform
    kind: DeviceKind = "tpu" if platform == "tpu" else "gpu" if platform in ("gpu", "cuda", "rocm") else "cpu"
    known = [
        facts
        for facts in map(target_facts, target_names())
        if devices[0].device_kind in facts["device_kinds"]
    ]
    if known:
        found = _from_facts(THIS_MACHINE, len(devices), known[0])
    else:
        found = Target(THIS_MACHINE, kind, len(devices), memory, source=devices[0].device_kind)
    return replace(found, memory=memory, slices=slices_of(devices), host_devices=len(own))


def target_facts(name: str) -> Mapping[str, Any]:
    """The file of `stdlib/target` on some hardware: a name, with or without a shape."""
    name = name.split(":")[0]
    return tomllib.loads((stdlib_root() / "target" / f"{name}.toml").read_text(encoding="utf-8"))


def _from_facts(name: str, devices: int, facts: Mapping[str, Any]) -> Target:
    return Target(
        name,
        facts["kind"],
        devices,
        int(facts["memory_gib"] * 2**30 * (SHARE if facts["kind"] == "gpu" else 1)),
        facts["memory_gb_s"] * 1e9,
        facts["link_gb_s"] * 1e9,
        {dtype: rate * 1e12 for dtype, rate in facts["tflops"].items()},
        facts["source"],
        network_rate=facts["network_gb_s"] * 1e9 if "network_gb_s" in facts else None,
        host_devices=facts["host_devices"],
        chip_devices=_chip_devices(facts),
    )


def _chip_devices(facts: Mapping[str, Any]) -> int:
    return facts.get("topology", {}).get("chip_devices", 1)


def host_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or what its control group allows."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return min(memory, int(text)) if text.isdigit() else memory
