"""The hardware that a plan is for: a known kind, described in `stdlib/target`, or this machine."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import tomli

from bvc.spec import stdlib_root

DeviceKind = Literal["cpu", "gpu", "tpu"]

_TARGET = re.compile(r"(?P<name>[a-z0-9-]+)(?::(?P<shape>[0-9]+(?:x[0-9]+)*))?")


@dataclass(frozen=True, slots=True)
class Target:
    """Devices of one kind.

    Attributes:
        name: as the user writes it, `tpu-v5e:2x4`, or `this machine`.
        kind: what sort of device it is.
        devices: how many.
        memory: bytes that a program may use on one device.
        memory_rate: bytes per second between a device and its memory; None if unknown.
        link_rate: bytes per second that a device sends to others; None if unknown.
        flop_rate: FLOPs per second by dtype of the operands; empty if unknown.
        source: where the facts come from.
    """

    name: str
    kind: DeviceKind
    devices: int
    memory: int
    memory_rate: float | None = None
    link_rate: float | None = None
    flop_rate: Mapping[str, float] = field(default_factory=dict[str, float])
    source: str = ""


class UnknownTargetError(ValueError):
    """No target has this name; `help` says which there are."""

    def __init__(self, name: str, help: str) -> None:
        super().__init__(f"no target `{name}`")
        self.name = name
        self.help = help


def target_names() -> list[str]:
    """The kinds of hardware that are known."""
    return sorted(file.stem for file in (stdlib_root() / "target").glob("*.toml"))


def find_target(text: str) -> Target:
    """The target that `NAME`, `NAME:8` or `NAME:2x4` means; without a shape one device.

    Raises:
        UnknownTargetError: there is no such hardware, or the shape cannot be read.
    """
    found = _TARGET.fullmatch(text)
    name = found["name"] if found else text
    names = target_names()
    if found is None or name not in names:
        near = difflib.get_close_matches(name.split(":")[0], names, n=1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise UnknownTargetError(text, f"{hint}write NAME:8 or NAME:2x4, with NAME one of {', '.join(names)}")
    facts = tomli.loads((stdlib_root() / "target" / f"{name}.toml").read_text(encoding="utf-8"))
    devices = math.prod(int(size) for size in found["shape"].split("x")) if found["shape"] else 1
    return _from_facts(text, devices, facts)


def this_machine() -> Target:
    """The devices that jax finds here. Of CPUs each has an equal part of the machine's memory."""
    devices = jax.devices()
    stats: Mapping[str, int] = (devices[0].memory_stats() if devices[0].platform != "cpu" else None) or {}
    memory = stats.get("bytes_limit") or _host_memory() // len(devices)
    platform = devices[0].platform
    kind: DeviceKind = "tpu" if platform == "tpu" else "gpu" if platform in ("gpu", "cuda", "rocm") else "cpu"
    return Target("this machine", kind, len(devices), memory, source=devices[0].device_kind)


def _from_facts(name: str, devices: int, facts: Mapping[str, Any]) -> Target:
    return Target(
        name,
        facts["kind"],
        devices,
        int(facts["memory_gib"] * 2**30),
        facts["memory_gb_s"] * 1e9,
        facts["link_gb_s"] * 1e9,
        {dtype: rate * 1e12 for dtype, rate in facts["tflops"].items()},
        facts["source"],
    )


def _host_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
