"""The metrics of runs as charts, one for each, in the sections of a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bvc.figure.chart import Axis, Chart, Level, Series, wants_log
from bvc.report.beside import planned_rate
from bvc.report.recorded import Curve, Recorded

STEP = Axis("step")
SPEED = "img/sec/core"
_PLACE = ("examples_seen", "epoch", "progress")
_FIRST = ("training_loss", "loss", "l2_", "global_schedule")
_UNITS = {
    "z/secs": "seconds",
    "uptime": "seconds",
    "core_hours": "hours",
    SPEED: "images per second and device",
    "progress": "part of the run",
    "epoch": "epochs",
    "examples_seen": "examples",
    "l2_": "Euclidean norm",
    "global_schedule": "factor",
    "z/plan/memory": "bytes",
    "z/plan/secs": "seconds",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A section: charts of what was measured more than once, and rows (metric, value of each run) of the rest."""

    title: str
    charts: tuple[tuple[str, Chart], ...]
    single: tuple[tuple[str, ...], ...] = ()


def sections(runs: Sequence[Recorded]) -> list[Drawn]:
    """Training first, then each evaluation, then the clock, then where in the run the rows lie."""
    metrics = _ordered(name for run in runs for name in run.metrics)
    prefixes = dict.fromkeys(_prefix(name) for name in metrics)
    found: list[Drawn] = []
    for prefix in sorted(prefixes, key=lambda prefix: prefix != ""):
        own = [name for name in metrics if _prefix(name) == prefix and name not in _PLACE]
        found.append(_section(prefix or "training", own, [run.metrics for run in runs], runs))
    clock = _ordered(name for run in runs for name in run.clock)
    found.append(_section("clock", clock, [run.clock for run in runs], runs))
    place = [name for name in _PLACE if name in metrics]
    found.append(_section("place in the run", place, [run.metrics for run in runs], runs))
    return [each for each in found if each.charts or each.single]


def _section(
    title: str, names: Sequence[str], curves: Sequence[Mapping[str, Curve]], runs: Sequence[Recorded]
) -> Drawn:
    charts: list[tuple[str, Chart]] = []
    single: list[tuple[str, ...]] = []
    for name in names:
        own = [each.get(name) for each in curves]
        if any(curve is not None and len(curve.steps) > 1 for curve in own):
            charts.append((name, _chart(name, own, runs)))
        else:
            single.append((name, *("" if curve is None else f"{curve.values[-1]:.6g}" for curve in own)))
    return Drawn(title, tuple(charts), tuple(single))


def _chart(name: str, curves: Sequence[Curve | None], runs: Sequence[Recorded]) -> Chart:
    series = tuple(
        Series(run.name, curve.steps, curve.values, number)
        for number, (run, curve) in enumerate(zip(runs, curves, strict=True))
        if curve is not None
    )
    values = [value for each in series for value in each.y]
    unit = next((unit for start, unit in _UNITS.items() if name.startswith(start)), "")
    return Chart(
        name, STEP, Axis(unit, name not in _PLACE and wants_log(values)), series, _planned(name, runs)
    )


def _planned(name: str, runs: Sequence[Recorded]) -> tuple[Level, ...]:
    """The planned rate beside the measured one."""
    if name != SPEED:
        return ()
    rates = [(number, planned_rate(run.plan)) for number, run in enumerate(runs)]
    colour = len(runs) > 1
    return tuple(
        Level("planned", rate, number if colour else None)
        for number, rate in rates
        if rate is not None and math.isfinite(rate)
    )


def _ordered(names: Sequence[str] | object) -> list[str]:
    """Names without repetition: the loss first, then norms and schedules, then as they come."""
    once = list(dict.fromkeys(names))  # type: ignore[call-overload]
    return sorted(once, key=_rank)


def _rank(name: str) -> int:
    return next((rank for rank, start in enumerate(_FIRST) if name.startswith(start)), len(_FIRST))


def _prefix(name: str) -> str:
    """The evaluation that a metric belongs to: all before its last `/`; empty for training."""
    return name.rpartition("/")[0]
