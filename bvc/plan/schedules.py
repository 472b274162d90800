"""Every scalar of an experiment that changes over the run, as charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bvc.compile.program import Program
from bvc.compile.update.rules import Treatment
from bvc.compile.update.schedule import Schedule, Scheduled
from bvc.figure.chart import Axis, Chart, Series
from bvc.figure.ticks import short
from bvc.plan.parameters import prefix

MOST = 200_000
"""Points of a curve; only of a longer run some steps have none."""
_ALONG = Axis("updates done before")
_NAMED = 3
"""Groups of parameters that a curve names."""


def schedule_charts(program: Program) -> list[Chart]:
    """The learning rate and the weight decay of every group of parameters that has its own, then all other scalars."""
    steps = _steps(program.total)
    update = program.update
    rates = _groups(update.treatments, lambda each: each.lr_mult)
    decays = _groups(update.treatments, lambda each: each.decay_mult)
    charts = [_chart("learning rate", update.lr, rates, update.schedules, steps)]
    moving = {key: names for key, names in decays.items() if key[1]}
    if update.weight_decay and moving:
        charts.append(_chart("weight decay", update.weight_decay, moving, update.schedules, steps))
    for name, schedule in _others(program).items():
        charts.append(Chart(name, _ALONG, Axis(""), (_curve(name, steps, _values(schedule, steps), 0),)))
    return charts


def _others(program: Program) -> dict[str, Schedule]:
    """Scalars of the other parts of a step; those of terms only where they change."""
    found: dict[str, Schedule] = {}
    if program.perturbation is not None:
        found["rho of the perturbation"] = program.perturbation.rho
    if program.ema is not None:
        found["decay of the averages"] = program.ema.decay
    for term in program.forward.objective.terms:
        owner = term.node.term or "the objective"
        for name, value in {"weight": term.weight, **term.settings}.items():
            if isinstance(value, Scheduled):
                found[f"{name} of {owner}"] = value.at
    return found


def _steps(total: int) -> np.ndarray:
    """Steps done before an update, from the first to the last; all of them where they are few."""
    return np.unique(np.linspace(0, max(0, total - 1), min(total, MOST)).round().astype(np.int32))


def _groups(
    treatments: Sequence[Treatment], read: Callable[[Treatment], tuple[float, ...]]
) -> dict[tuple[int, float], list[str]]:
    """(number of the schedule, factor) -> the parameters with both; layers of a stack may differ."""
    found: dict[tuple[int, float], list[str]] = {}
    for each in treatments:
        for trained, schedule, factor in zip(each.trained, each.schedule, read(each), strict=True):
            if trained:
                found.setdefault((schedule, factor), []).append(each.name)
    return found


def _chart(
    title: str,
    peak: float,
    groups: dict[tuple[int, float], list[str]],
    schedules: Sequence[Schedule],
    steps: np.ndarray,
) -> Chart:
    factors = [_values(schedule, steps) for schedule in schedules]
    curves = {key: peak * key[1] * factors[key[0]] for key in groups}
    only = len(groups) == 1
    named = {key: "all parameters" if only else _named(names) for key, names in groups.items()}
    return Chart(
        title,
        _ALONG,
        Axis(""),
        tuple(
            _curve(named[key], steps, values, number) for number, (key, values) in enumerate(curves.items())
        ),
    )


def _curve(name: str, steps: np.ndarray, values: Float[np.ndarray, "n"], number: int) -> Series:
    """The legend says the peak, and, as every legend, the last value."""
    return Series(f"{name}: peak {short(values.max())}, last", steps.tolist(), values.tolist(), number)


def _named(names: Sequence[str]) -> str:
    groups = list(dict.fromkeys(map(prefix, names)))
    more = f" and {len(groups) - _NAMED} more" if len(groups) > _NAMED else ""
    return ", ".join(groups[:_NAMED]) + more


def _values(schedule: Schedule, steps: np.ndarray) -> Float[np.ndarray, "n"]:
    return np.asarray(jax.vmap(schedule)(jnp.asarray(steps)), np.float64)
