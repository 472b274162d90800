"""What was planned beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bvc.figure.ticks import short
from bvc.plan.units import size
from bvc.report.recorded import Recorded

HEAD = ("run", "quantity", "planned", "measured", "measured / planned")


def planned_step(plan: Mapping[str, Any]) -> float | None:
    """Seconds of a step at peak rates; None where the plan does not know the hardware's rates."""
    times = plan.get("roofline")
    return max(times["computation"], times["collectives"]) if isinstance(times, dict) else None


def planned_rate(plan: Mapping[str, Any]) -> float | None:
    """Images per second and device at peak rates."""
    step = planned_step(plan)
    return plan["examples"] / step / plan["target"]["devices"] if step else None


def beside(run: Recorded) -> list[tuple[str, ...]]:
    """Rows for `HEAD`; a quantity that was neither planned nor measured has none."""
    plan = run.plan
    if not plan:
        return []
    examples, devices = plan["examples"], plan["target"]["devices"]
    rate = run.last("img/sec/core")
    measured_step = examples / devices / rate if rate else None
    memory = plan["memory"].get("total")
    rows: Sequence[tuple[str, float | None, float | None, str]] = (
        ("steps", float(plan["steps"]), float(run.last_step), ""),
        ("epochs", plan["epochs"], run.last("epoch"), ""),
        ("parameters", _parameters(plan), run.last("num_params"), ""),
        ("time of a step", planned_step(plan), measured_step, " s"),
        ("images per second and device", planned_rate(plan), rate, "/s"),
        ("memory of a device at the peak", memory, run.last("z/plan/memory_measured"), "B"),
    )
    return [
        (run.name, name, _told(planned, unit), _told(measured, unit), _ratio(planned, measured))
        for name, planned, measured, unit in rows
        if planned is not None or measured is not None
    ]


def _parameters(plan: Mapping[str, Any]) -> float:
    count = 0
    for row in plan["parameters"]:
        size = 1
        for dim in row["shape"]:
            size *= dim
        count += 0 if row["name"].startswith("frozen/") else size
    return float(count)


def _told(value: float | None, unit: str) -> str:
    if value is None:
        return "not known"
    return size(round(value)) if unit == "B" else f"{short(value)}{unit}"


def _ratio(planned: float | None, measured: float | None) -> str:
    return "" if not planned or measured is None else f"{measured / planned:.3g}"
