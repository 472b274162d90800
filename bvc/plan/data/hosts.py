"""What the hosts of a target must do so that the devices do not wait: examples, cores and memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bvc.compile.pipeline.mixing import split_sources
from bvc.compile.program import Program
from bvc.component.split import split_size
from bvc.plan.data.cost import Costs, measure
from bvc.plan.data.graph import fixed_bytes
from bvc.plan.data.host_memory import feed_memory
from bvc.plan.drawn import BASED_ON, drawn
from bvc.plan.plan import Plan

_EXAMPLES = 2
_SECONDS = 0.03
"""For which each pipeline is measured: the plan should take no longer for it."""


@dataclass(frozen=True, slots=True)
class HostNeed:
    """Of each host, where steps take as long as the roofline says.

    Attributes:
        hosts: that feed the devices.
        rate: examples that a host must make in a second.
        core: that one core of this machine makes; None where no op could be measured.
        stopped: why not all ops were measured, so that a core makes fewer; empty if all were.
        memory: bytes of the feed with a worker for every core that is needed.
        based_on: what was measured.
    """

    hosts: int
    rate: float
    core: float | None
    stopped: str
    memory: int
    based_on: str

    @property
    def cores(self) -> float | None:
        """Cores of this machine's kind that make so many."""
        return None if self.core is None else self.rate / self.core


def host_need(program: Program, planned: Plan, found: Callable[[Any], Any]) -> HostNeed | None:
    """What the data of training asks of the hosts; None where the time of a step is not known.

    Pipelines run on drawn examples, on this machine, for a moment.

    Args:
        program: compiled.
        planned: its plan.
        found: finds files that ops read.

    Raises:
        Failed: a pipeline does not type.
    """
    if planned.roofline is None:
        return None
    train = program.experiment.train
    sources = [replace(source, pipeline=found(source.pipeline)) for source in train.sources]
    pipelines, _ = split_sources(sources, tuple(program.batch))
    costs: list[Costs] = []
    for source, pipeline in zip(sources, pipelines, strict=True):
        examples = drawn(source.data.features, _EXAMPLES)
        costs.append(measure(pipeline.steps, tuple(pipeline.outputs), examples, seconds=_SECONDS))
    weights = sum(source.weight for source in sources)
    seconds = sum(
        source.weight / weights * sum(step.seconds for step in cost.steps)
        for source, cost in zip(sources, costs, strict=True)
    )
    hosts = max(1, planned.target.devices // planned.target.host_devices)
    rate = planned.examples / planned.roofline.step / hosts
    sizes = [split_size(source.data.split, source.data.splits) for source in sources]
    memory = feed_memory(
        batch=planned.examples // hosts * max(fixed_bytes(pipeline.outputs) for pipeline in pipelines),
        example=max(step.bytes for cost in costs for step in cost.steps) if seconds else 0,
        workers=max(1, math.ceil(rate * seconds)),
        records=None if None in sizes else sum(filter(None, sizes)),
        shuffle=train.shuffle,
    )
    stopped = next((cost.stopped for cost in costs if cost.stopped), "")
    core = 1 / seconds if seconds else None
    return HostNeed(hosts, rate, core, stopped, sum(part.bytes for part in memory), BASED_ON)
