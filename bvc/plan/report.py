"""A plan as text for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict

from bvc.plan.data.hosts import HostNeed
from bvc.plan.plan import Plan
from bvc.plan.rows import (
    batch_rows,
    collective_rows,
    flops_line,
    group_rows,
    head,
    held_rows,
    host_rows,
    memory_rows,
    parameter_rows,
    sent_line,
    time_rows,
)
from bvc.plan.table import table


def render(plan: Plan, *, every_parameter: bool = False, hosts: HostNeed | None = None) -> str:
    """The report of `bvc plan`; depends on nothing but the plan, and on `hosts`, which is measured."""
    parameters = plan.parameters
    memory = ["memory of a device", *table(memory_rows(plan), right=(1,))]
    held = ["the step's at its peak", *table(held_rows(plan), right=(0, 1))]
    every = table(parameter_rows(parameters), right=(5,), indent="")
    grouped = table(group_rows(parameters), right=(1, 2, 3, 6), indent="")
    batch = ["batch: all devices, and the bytes of one", *table(batch_rows(plan), right=(2,))]
    collectives = table(collective_rows(plan), right=(2, 3, 4, *(5,) * (plan.target.slices > 1)), indent="")
    times = table(time_rows(plan), right=(1,))
    parts = [
        head(plan),
        [*memory, *held],
        every if every_parameter else grouped,
        batch,
        [flops_line(plan)],
        [*collectives, sent_line(plan)] if collectives else ["collectives of a step: none"],
        *([["time at peak rates (roofline)", *times]] if times else []),
        *([["hosts, in that time", *table(host_rows(hosts), right=(1,))]] if hosts else []),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def as_json(plan: Plan, hosts: HostNeed | None = None) -> str:
    """The plan with all its numbers; bytes and FLOPs as integers, on one device."""
    document = asdict(plan)
    document["memory"]["total"] = plan.memory.total
    document["excess"] = plan.excess
    document["utilization"] = plan.utilization
    if hosts is not None:
        document["hosts"] = {**asdict(hosts), "cores": hosts.cores}
    return json.dumps(document, indent=2) + "\n"
