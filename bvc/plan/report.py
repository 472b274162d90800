"""A plan as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from bvc.plan.epoch import explain
from bvc.plan.parameters import ParameterRow, group
from bvc.plan.plan import Plan
from bvc.plan.table import table
from bvc.plan.units import amount, size

_MOST = 8
"""Rows of a list that only its largest entries make interesting."""


def render(plan: Plan, *, every_parameter: bool = False) -> str:
    """The report of `bvc plan`; depends on nothing but the plan."""
    parts = [
        _head(plan),
        _memory(plan),
        _parameters(plan.parameters) if every_parameter else _groups(plan.parameters),
        _batch(plan),
        _flops(plan),
        _collectives(plan),
        *_time(plan),
    ]
    return "\n\n".join(parts) + "\n"


def as_json(plan: Plan) -> str:
    """The plan with all its numbers; bytes and FLOPs as integers, on one device."""
    document = asdict(plan)
    document["memory"]["total"] = plan.memory.total
    document["excess"] = plan.excess
    document["utilization"] = plan.utilization
    return json.dumps(document, indent=2) + "\n"


def _head(plan: Plan) -> str:
    target = plan.target
    mesh = ", ".join(f"{axis} = {length}" for axis, length in plan.mesh.items())
    devices = f"{target.devices} {target.kind} device{'s' * (target.devices != 1)}"
    run = f"{plan.steps} steps of {plan.examples} examples, {plan.epochs:.4g} epochs"
    if plan.parts > 1:
        run += f"; a device works off its {plan.examples // plan.shards} examples in {plan.parts} parts"
    head = f"plan for {target.name}: {devices}, mesh {{ {mesh} }}\nrun: {run}"
    return "\n".join([head, *explain(plan.sources, plan.skip_bad)])


def _memory(plan: Plan) -> str:
    memory, there = plan.memory, plan.target.memory
    fits = f"{size(plan.excess)} too much" if plan.excess else "fits"
    rows = [
        ("parameters", size(memory.parameters), ""),
        ("optimizer state", size(memory.optimizer), ""),
        *([("frozen modules", size(memory.frozen), "")] if memory.frozen else []),
        ("batch", size(memory.batch), ""),
        ("step", size(memory.step), f"activations and gradients; peak at {memory.peak_at}"),
        ("total", size(memory.total), f"of {size(there)}: {fits}"),
    ]
    held = [(size(row.bytes), f"{row.count} from", row.what) for row in memory.held[:_MOST]]
    return "\n".join(
        [
            "memory of a device",
            *table(rows, right=(1,)),
            "the step's at its peak",
            *table(held, right=(0, 1)),
        ]
    )


def _groups(parameters: Sequence[ParameterRow]) -> str:
    rows = [("parameters", "arrays", "count", "trained", "dtype", "layout", "device")]
    rows += [
        (
            each.name,
            str(each.arrays),
            amount(each.count),
            amount(each.trained),
            ", ".join(each.dtypes),
            ", ".join(each.layouts),
            size(each.bytes),
        )
        for each in group(parameters)
    ]
    total, trained = (
        sum(row.count for row in parameters),
        sum(row.count for row in parameters if row.trained),
    )
    held = sum(row.bytes for row in parameters)
    rows.append(("total", str(len(parameters)), amount(total), amount(trained), "", "", size(held)))
    return "\n".join(table(rows, right=(1, 2, 3, 6), indent=""))


def _parameters(parameters: Sequence[ParameterRow]) -> str:
    rows = [("parameter", "shape", "dtype", "layout", "trained", "device", "in big_vision")]
    rows += [
        (
            row.name,
            " ".join(map(str, row.shape)) or "scalar",
            row.dtype,
            row.layout,
            "yes" if row.trained else "no",
            size(row.bytes),
            row.published,
        )
        for row in parameters
    ]
    return "\n".join(table(rows, right=(5,), indent=""))


def _batch(plan: Plan) -> str:
    rows = [
        (each.name, f"{each.dtype}[{' '.join(map(str, each.shape))}]", size(each.bytes))
        for each in plan.batch
    ]
    return "\n".join(["batch: all devices, and the bytes of one", *table(rows, right=(2,))])


def _flops(plan: Plan) -> str:
    total = sum(plan.flops.values())
    passes = ", ".join(f"{name} {amount(flops)}" for name, flops in plan.flops.items() if flops)
    return f"FLOPs of a device in a step: {amount(total)} ({passes})"


def _collectives(plan: Plan) -> str:
    if not plan.collectives:
        return "collectives of a step: none"
    rows = [("collective", "axes", "count", "bytes", "sent", "for")]
    rows += [
        (
            each.kind,
            " ".join(each.axes),
            str(each.count),
            size(each.bytes),
            size(each.sent),
            f"{each.what} (added by the compiler)" if each.derived else each.what,
        )
        for each in plan.collectives
    ]
    sent = sum(each.sent for each in plan.collectives)
    lines = table(rows, right=(2, 3, 4), indent="")
    return "\n".join([*lines, f"sent by a device in a step: {size(sent)}"])


def _time(plan: Plan) -> list[str]:
    found = plan.roofline
    if found is None:
        return []
    rate = plan.examples / found.step
    hours = plan.steps * found.step / 3600
    devices = plan.target.devices
    rows = [
        (
            "step",
            f"{found.step * 1e3:.3g} ms",
            "computation" if found.step == found.computation else "collectives",
        ),
        (
            "examples",
            f"{amount(rate)}/s",
            f"{amount(rate / devices)}/s on each device; what the hosts must decode",
        ),
        (
            "utilization",
            f"{100 * (plan.utilization or 0):.0f} %",
            "of the peak rate, recomputation not counted",
        ),
        ("run", f"{hours:.3g} h", f"{hours * devices:.3g} device-hours"),
    ]
    return ["\n".join(["time at peak rates (roofline)", *table(rows, right=(1,))])]
