"""Whether a plan fits its target, and if not, by how much and what would help."""

from __future__ import annotations

from bvc.diagnostics import Diagnostic
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.plan import Plan
from bvc.plan.units import size


def check_fit(plan: Plan) -> list[Diagnostic]:
    """Nothing if a step fits into the memory of a device, else the diagnostic that says so."""
    if not plan.excess:
        return []
    memory = plan.memory
    shares = [
        f"{size(part)} {what}"
        for part, what in (
            (memory.parameters, "parameters"),
            (memory.optimizer, "optimizer state"),
            *([(memory.ema, "averages")] if memory.ema else []),
            *([(memory.frozen, "frozen modules")] if memory.frozen else []),
            (memory.batch, "batch"),
            (memory.step, "activations and gradients"),
        )
    ]
    return [
        catalog.does_not_fit(
            plan.target.name,
            size(plan.needed),
            size(plan.target.memory),
            size(plan.excess),
            shares,
            _mend(plan),
        )
    ]


def _mend(plan: Plan) -> str:
    memory = plan.memory
    shard = "shard parameters over an axis of the mesh with `[[layout]]`"
    fixed = memory.parameters + memory.optimizer + memory.ema + memory.frozen
    room = plan.target.memory - fixed
    # gradients take as much as the parameters and do not shrink with the batch
    growing = memory.batch + max(0, memory.step - memory.parameters)
    batch = int(plan.examples * (room - memory.parameters) / growing) // plan.shards * plan.shards
    if batch < plan.shards:
        return shard
    return f'lower `data.train.batch` to about {batch}, set `remat = "full"` in the model, or {shard}'
