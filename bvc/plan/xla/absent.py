"""Devices that are not here, for the compilers that can do without them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from jax.experimental import topologies

from bvc.plan.target import Target, target_facts
from bvc.plan.xla.chip import describe_chip


def absent_devices(target: Target) -> Sequence[Any]:
    """The devices of a target that is described in `stdlib/target`; they compile and do nothing else.

    The compiler of the target must be installed and `environment` (`installed.py`) set before jax was loaded.

    Raises:
        jax.errors.JaxRuntimeError: the compiler knows no such target.
    """
    facts = target_facts(target.name)
    if target.kind == "gpu":
        machines = f"1x{target.slices}x{target.devices // target.slices}"
        return topologies.get_topology_desc(
            platform="cuda", target_config=describe_chip(facts), topology=machines
        ).devices
    name, options = slice_name(target, facts)
    return topologies.get_topology_desc(platform="tpu", topology_name=name, **options).devices


def slice_name(target: Target, facts: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What libtpu calls a slice (`v5e:2x4`), and what it wants to know besides."""
    topology = facts["topology"]
    chips = target.devices // target.slices // topology.get("chip_devices", 1)
    shape = target.shape or squarest(chips, topology["dims"])
    options: dict[str, Any] = {}
    if target.slices > 1:
        options["num_slices"] = target.slices
    if "chip_config" in topology:
        options["chip_config_name"] = topology["chip_config"]
    if chips < math.prod(_HOST_CHIPS[: topology["dims"]]):
        options["chips_per_host_bounds"] = [*shape, *(1,) * (3 - len(shape))]
    return f"{topology['name']}:{'x'.join(map(str, shape))}", options


_HOST_CHIPS = (2, 2, 1)
"""Chips of one host along each dim, as libtpu takes them; a smaller slice is less than a host."""


def squarest(count: int, dims: int) -> tuple[int, ...]:
    """The grid of so many chips whose sides differ least, shortest first but sides of one last, as slices are sold."""
    sides = [side for side in range(1, count + 1) if count % side == 0]
    grids = (
        (*start, count // math.prod(start))
        for start in itertools.product(sides, repeat=dims - 1)
        if count % math.prod(start) == 0
    )
    best = min(grids, key=lambda grid: (max(grid) - min(grid), grid))
    return tuple(sorted(best, key=lambda side: (side == 1, side)))
