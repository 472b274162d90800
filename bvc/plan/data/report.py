"""A data plan as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bvc.plan.data.cost import Cost
from bvc.plan.data.graph import OpRow
from bvc.plan.data.plan import DataPlan, StreamPlan
from bvc.plan.table import table
from bvc.plan.units import amount, size

_HEAD = ("op", "runs", "written", "", "compiled", "", "makes")


def render_data(plan: DataPlan) -> str:
    """The report of `bvc plan --data`; streams with the same pipeline are shown together."""
    lines = [
        f"measured on this machine, on {plan.based_on}",
        "bytes are those of an example after each op; reading, batching and transfer: `bvc data bench`",
    ]
    same: dict[int, list[StreamPlan]] = {}
    for stream in plan.streams:
        same.setdefault(id(stream.graph), []).append(stream)
    parts = ["\n".join(lines), *map(_streams, same.values()), _memory(plan)]
    return "\n\n".join(parts) + "\n"


def data_as_json(plan: DataPlan) -> str:
    """The plan with all its numbers: bytes and seconds of one example."""
    document = asdict(plan)
    document["total"] = plan.total
    for stream, described in zip(plan.streams, document["streams"], strict=True):
        described["rate"] = stream.rate
    return json.dumps(document, indent=2) + "\n"


def _streams(streams: Sequence[StreamPlan]) -> str:
    first = streams[0]
    graph = first.graph
    before, after = graph.travels_bytes
    raw = [size(graph.raw_bytes[0]), "", size(graph.raw_bytes[1]), "", ", ".join(graph.reads)]
    rows = [
        _HEAD,
        ("raw", "host", *raw),
        *map(_row, graph.ops),
        ("to devices", "", size(before), "", size(after), "", _types(graph.travels)),
    ]
    lines = [*map(_title, streams), *table(rows, right=(2, 3, 4, 5))]
    if graph.stopped:
        lines.append(f"  not measured further: {graph.stopped}")
    rated = ((first.rate, "compiled"), (first.rate_written, "as written"))
    rates = [f"{amount(rate)}/s {how}" for rate, how in rated if rate]
    if rates:
        lines.append(f"  one core makes {'at most ' * bool(graph.stopped)}{', '.join(rates)}")
    return "\n".join(lines)


def _title(stream: StreamPlan) -> str:
    count = "examples not counted yet" if stream.examples is None else f"{stream.examples} examples"
    mixed = f", {stream.share:.1%} of a batch" if stream.share < 1 else ""
    return f"{stream.name}: {stream.data} `{stream.split}`, {count}{mixed}, in batches of {stream.batch}"


def _row(row: OpRow) -> tuple[str, ...]:
    runs = {
        "host": "host",
        "device": "device",
        "joined": f"in {row.into}",
        "dropped": "no: nothing reads it",
    }[row.fate]
    return row.op, runs, *_cost(row.written), *_cost(row.compiled), _types(row.makes)


def _cost(cost: Cost | None) -> tuple[str, str]:
    return ("", "") if cost is None else (size(cost.bytes), f"{cost.seconds * 1e6:.0f} µs")


def _types(features: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in features.items())


def _memory(plan: DataPlan) -> str:
    rows: Sequence[tuple[str, str, str]] = [
        *((part.what, size(part.bytes), part.why) for part in plan.memory),
        ("total", size(plan.total), f"of {size(plan.host)} on this machine; a host that feeds all devices"),
    ]
    return "\n".join(["memory of the host", *table(rows, right=(1,))])
