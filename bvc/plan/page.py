"""A plan as a page: the memory over one step and the layout drawn, and the numbers of the report."""

from __future__ import annotations

from collections.abc import Sequence

from bvc.figure.chart import Axis, Chart, Level, Series, Span
from bvc.figure.page import figures, folded, page, paragraph, section, table, wide
from bvc.figure.plot import draw
from bvc.plan.data.hosts import HostNeed
from bvc.plan.devices import draw_layout, held_part
from bvc.plan.memory.moments import phases
from bvc.plan.parameters import ParameterRow
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
    sent_line,
    shape,
    time_rows,
)
from bvc.plan.table import table as text_table
from bvc.plan.units import size

_MIB, _GIB = 2**20, 2**30
_ALONG = Axis("the ops of a step in their order, each as wide as the bytes that it writes (%)")
_NEAR = 3.0
"""The memory of a device is drawn if it is at most so many times what is needed."""


def render_page(plan: Plan, hosts: HostNeed | None = None) -> str:
    """The page of `bvc plan --html`; it loads nothing."""
    first, *rest = head(plan)
    grouped = group_rows(plan.parameters)
    collectives, times = collective_rows(plan), time_rows(plan)
    parts = [
        *(paragraph(line) for line in rest[1:]),
        section(
            "memory of a device over one step",
            wide(draw(memory_chart(plan), 980, 420)),
            table(("what", "bytes", ""), memory_rows(plan), words=(2,)),
        ),
        section(
            "what the step holds at its peak",
            table(("bytes", "arrays", "made by"), held_rows(plan), words=(2,)),
        ),
        section(
            "where parameters lie",
            figures([draw_layout(axis, rows, plan.mesh) for axis, rows in by_axis(plan.parameters)]),
            folded(f"all {len(plan.parameters)} arrays, and the part of each on one device", _parts(plan)),
        ),
        section("parameters", table(grouped[0], grouped[1:], words=(4, 5))),
        section("batch", table(("feature", "all devices", "bytes of one"), batch_rows(plan), words=(1,))),
        section(
            "collectives",
            table(collectives[0], collectives[1:], words=(1, len(collectives[0]) - 1))
            if collectives
            else paragraph("none"),
            paragraph(sent_line(plan)) if collectives else "",
        ),
        section(
            "work and time", paragraph(flops_line(plan)), table(("at peak rates", "", ""), times, words=(2,))
        ),
        section("hosts, in that time", table(("what", "", ""), host_rows(hosts), words=(2,)))
        if hosts
        else "",
    ]
    return page(first, rest[0], [part for part in parts if part])


def memory_chart(plan: Plan) -> Chart:
    """What lies in a device's memory from the first op of a step to its last; of a loop one iteration for all."""
    memory = plan.memory
    moments = memory.over_time
    unit, name = (_GIB, "GiB") if memory.total >= _GIB else (_MIB, "MiB")
    ends = [*(moment.start for moment in moments[1:]), 1.0]
    # each moment lasts until the next begins: two points, so that the steps are seen
    x = [100 * place for moment, end in zip(moments, ends, strict=False) for place in (moment.start, end)]
    step = [moment.bytes / unit for moment in moments for _ in range(2)]
    fixed = (
        ("parameters", memory.parameters),
        ("optimizer state", memory.optimizer),
        ("averages", memory.ema),
        ("frozen modules", memory.frozen),
        ("batch", memory.batch),
    )
    series: list[Series] = []
    below = 0.0
    for colour, (what, count) in enumerate(fixed):
        if count:
            above = below + count / unit
            label = f"{what} {size(count)}"
            series.append(Series(label, x, [above] * len(x), colour, [below] * len(x)))
            below = above
    top = [below + value for value in step]
    label = f"step, at most {size(memory.step)}"
    series.append(Series(label, x, top, len(fixed), [below] * len(x)))
    there = plan.target.memory
    limit = (Level(f"memory of a device, {name}", there / unit),) if there <= _NEAR * memory.total else ()
    spans = tuple(Span(phase, 100 * start, 100 * end) for phase, start, end in phases(moments))
    title = f"at most {size(memory.total)} of {size(there)}, at {memory.peak_at}"
    return Chart(title, _ALONG, Axis(name), tuple(series), limit, spans, True)


def by_axis(parameters: Sequence[ParameterRow]) -> list[tuple[str | None, list[ParameterRow]]]:
    """Parameters by the axis that splits them, replicated ones last."""
    axes = dict.fromkeys(row.axis for row in parameters)
    order = sorted(axes, key=lambda axis: axis is None)
    return [(axis, [row for row in parameters if row.axis == axis]) for axis in order]


def _parts(plan: Plan) -> str:
    rows = [("parameter", "shape", "dtype", "layout", "part of a device", "bytes")]
    rows += [
        (row.name, shape(row.shape), row.dtype, row.layout, shape(held_part(row, plan.mesh)), size(row.bytes))
        for row in plan.parameters
    ]
    return "\n".join(text_table(rows, right=(5,), indent=""))
