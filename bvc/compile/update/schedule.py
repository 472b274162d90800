"""From a schedule's node to a function of the step: the component's factor, with warmup and cooldown on top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bvc.compile.blame import blamed, returned
from bvc.compile.construct import Steps, arguments, refused
from bvc.component.error import SettingError
from bvc.component.execution import execution
from bvc.diagnostics import Failed
from bvc.diagnostics.catalog import rules
from bvc.ir import Duration, Node, ScheduleNode

Schedule = Callable[[Int[Array, ""]], Float[Array, ""]]
"""The factor in effect for the update after `step` updates."""


def make_schedule(node: ScheduleNode | None, steps: Steps, total: int) -> Schedule:
    """The schedule over a run of `total` steps; without a node the constant 1.

    Warmup multiplies by min(1, step / warmup), cooldown by min(1, (total - step) / cooldown), whatever the type.

    Raises:
        Failed: the component refuses a setting, or the warmup is not over before the end.
    """
    if node is None:
        return lambda step: jnp.ones((), jnp.float32)
    warmup = _steps(node.warmup, steps)
    cooldown = _steps(node.cooldown, steps)
    for ramp, duration, length in (("warmup", node.warmup, warmup), ("cooldown", node.cooldown, cooldown)):
        if duration is not None and length >= total > 1:
            raise Failed(rules.ramp_too_long(ramp, length, total, duration.origin))
    curve = _curve(node.node, steps, warmup, total)

    def schedule(step: Int[Array, ""]) -> Float[Array, ""]:
        now = jnp.asarray(step, jnp.float32)
        factor = curve(now)
        if warmup:
            factor = factor * jnp.minimum(1.0, now / warmup)
        if cooldown:
            factor = factor * jnp.minimum(1.0, (total - now) / cooldown)
        return jnp.asarray(factor, jnp.float32)

    return schedule


@dataclass(frozen=True)
class Scheduled:
    """A number that changes over the run: `peak` times the factor of a schedule."""

    peak: float
    schedule: Schedule

    def at(self, step: Int[Array, ""]) -> Float[Array, ""]:
        """Its value after `step` updates."""
        return self.peak * self.schedule(step)


def scheduled(value: Any, steps: Steps) -> Any:
    """The value of a setting, with its schedule made if it has one; see `now`.

    Raises:
        Failed: as `make_schedule` does.
    """
    if not isinstance(value, ScheduleNode):
        return value
    return Scheduled(value.peak, make_schedule(value, steps, steps(Duration(100.0, "%", value.origin))))


def now(value: Any) -> Any:
    """The value of a setting in the step that is traced."""
    return value.at(execution().step) if isinstance(value, Scheduled) else value


def _steps(duration: Duration | None, steps: Steps) -> int:
    return 0 if duration is None else steps(duration)


def _curve(
    node: Node, steps: Steps, warmup: int, total: int
) -> Callable[[Float[Array, ""]], Float[Array, ""]]:
    settings = arguments(node, steps)

    def curve(step: Float[Array, ""]) -> Float[Array, ""]:
        try:
            return node.component.target(step, warmup=warmup, total=total, **settings)
        except SettingError as error:
            raise Failed(refused(node, error)) from error

    with blamed(node):  # evaluated once here, so that settings are refused now
        factor = jax.eval_shape(curve, jax.ShapeDtypeStruct((), jnp.float32))
    returned(node, getattr(factor, "shape", None) == (), "one number", factor)
    return curve
