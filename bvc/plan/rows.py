"""What a plan says, as rows of texts: for the report and for the page."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.plan.data.epoch import explain
from bvc.plan.data.hosts import HostNeed
from bvc.plan.parameters import ParameterRow, group
from bvc.plan.plan import Plan
from bvc.plan.units import amount, milliseconds, size

Rows = list[tuple[str, ...]]

_MOST = 8
"""Rows of a list that only its largest entries make interesting."""


def head(plan: Plan) -> list[str]:
    """What is planned, in a few lines."""
    target = plan.target
    mesh = ", ".join(f"{axis} = {length}" for axis, length in plan.mesh.items())
    devices = f"{target.devices} {target.kind} device{'s' * (target.devices != 1)}"
    if target.slices > 1:
        devices += f" in {target.slices} {'machines' if target.kind == 'gpu' else 'slices'}"
    run = f"{plan.steps} steps of {plan.examples} examples, {plan.epochs:.4g} epochs"
    if plan.parts > 1:
        run += f"; a device works off its {plan.examples // plan.shards} examples in {plan.parts} parts"
    if plan.drawn:
        values = ", ".join(f"{name} = {value:g}" for name, value in plan.drawn.items())
        run += f"; of all draws, {values} needs most memory"
    first = f"plan for {target.name}: {devices}, mesh {{ {mesh} }}"
    return [first, f"run: {run}", *explain(plan.sources, plan.skip_bad)]


def memory_rows(plan: Plan) -> Rows:
    """What the memory of a device is taken by."""
    memory, there = plan.memory, plan.target.memory
    verdict = f"of {size(there)}: {f'{size(plan.excess)} too much' if plan.excess else 'fits'}"
    compiled = plan.compiled
    return [
        ("parameters", size(memory.parameters), ""),
        ("optimizer state", size(memory.optimizer), ""),
        *([("averages", size(memory.ema), "")] if memory.ema else []),
        *([("frozen modules", size(memory.frozen), "")] if memory.frozen else []),
        ("batch", size(memory.batch), ""),
        ("step", size(memory.step), f"activations and gradients; peak at {memory.peak_at}"),
        ("total", size(memory.total), "estimated" if compiled else verdict),
        *([("compiled", size(compiled.peak), f"by {compiled.compiler}; {verdict}")] if compiled else []),
    ]


def held_rows(plan: Plan) -> Rows:
    """What the step's part of the memory consists of at its peak."""
    return [(size(row.bytes), f"{row.count} from", row.what) for row in plan.memory.held[:_MOST]]


def group_rows(parameters: Sequence[ParameterRow]) -> Rows:
    """Parameters by prefix, with a head and their total."""
    rows: Rows = [("parameters", "arrays", "count", "trained", "dtype", "layout", "device")]
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
    total = sum(row.count for row in parameters)
    trained = sum(row.count for row in parameters if row.trained)
    held = sum(row.bytes for row in parameters)
    return [*rows, ("total", str(len(parameters)), amount(total), amount(trained), "", "", size(held))]


def parameter_rows(parameters: Sequence[ParameterRow]) -> Rows:
    """Every array of parameters, with a head."""
    rows: Rows = [("parameter", "shape", "dtype", "layout", "trained", "device", "in big_vision")]
    return rows + [
        (
            row.name,
            shape(row.shape),
            row.dtype,
            row.layout,
            "yes" if row.trained else "no",
            size(row.bytes),
            row.published,
        )
        for row in parameters
    ]


def shape(dims: Sequence[int]) -> str:
    """A shape in words: `384 1536`, `scalar`."""
    return " ".join(map(str, dims)) or "scalar"


def batch_rows(plan: Plan) -> Rows:
    """The arrays of the global batch, and the bytes of one device."""
    return [
        (each.name, f"{each.dtype}[{' '.join(map(str, each.shape))}]", size(each.bytes))
        for each in plan.batch
    ]


def flops_line(plan: Plan) -> str:
    """FLOPs by pass."""
    total = sum(plan.flops.values())
    passes = ", ".join(f"{name} {amount(flops)}" for name, flops in plan.flops.items() if flops)
    return f"FLOPs of a device in a step: {amount(total)} ({passes})"


def collective_rows(plan: Plan) -> Rows:
    """Every kind of collective of a step, with a head; nothing where there is none."""
    if not plan.collectives:
        return []
    rows: Rows = [("collective", "axes", "count", "bytes", "sent", "for")]
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
    if plan.target.slices == 1:
        return rows
    network = ["network", *(size(each.network) for each in plan.collectives)]
    return [(*row[:-1], part, row[-1]) for row, part in zip(rows, network, strict=True)]


def sent_line(plan: Plan) -> str:
    """What a device sends, and how much of it to other slices."""
    line = f"sent by a device in a step: {size(sum(each.sent for each in plan.collectives))}"
    if plan.target.slices == 1:
        return line
    return f"{line}, of that over the network: {size(sum(each.network for each in plan.collectives))}"


def host_rows(need: HostNeed) -> Rows:
    """What each host must do in that time."""
    rows: Rows = [
        ("examples", f"{amount(need.rate)}/s", f"on each of {need.hosts} host{'s' * (need.hosts > 1)}")
    ]
    if need.core is not None and need.cores is not None:
        least = "at most " * bool(need.stopped)
        why = f"of this machine's kind: one makes {least}{amount(need.core)}/s"
        rows += [("cores", f"{need.cores:.3g}", why), ("", "", f"measured on {need.based_on}")]
    if need.stopped:
        rows.append(("", "", f"not all ops were measured: {need.stopped}"))
    return [*rows, ("memory", size(need.memory), "for batches, and a worker on each core")]


def time_rows(plan: Plan) -> Rows:
    """Times and rates at the peak rates of the target; nothing where they are not known."""
    found = plan.roofline
    if found is None:
        unknown = plan.target.flop_rate and not plan.target.timed
        return [("step", "", "the rate of the network between slices is not known")] if unknown else []
    rate = plan.examples / found.step
    hours = plan.steps * found.step / 3600
    devices = plan.target.devices
    each = f"{amount(rate / devices)}/s on each device; what the hosts must decode"
    return [
        (
            "step",
            milliseconds(found.step),
            "computation" if found.step == found.computation else "collectives",
        ),
        ("examples", f"{amount(rate)}/s", each),
        (
            "utilization",
            f"{100 * (plan.utilization or 0):.0f} %",
            "of the peak rate, recomputation not counted",
        ),
        ("run", f"{hours:.3g} h", f"{hours * devices / plan.target.chip_devices:.3g} chip-hours"),
    ]
