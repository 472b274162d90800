"""What a step really takes, beside what the plan said: memory of a device, and time.

On CPUs nothing is compared: the backend counts no memory, and the plan knows no rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jax

from bvc.diagnostics import Diagnostic
from bvc.diagnostics.catalog import plan as catalog
from bvc.plan.plan import Plan
from bvc.plan.units import size

LARGE = 0.1
"""A larger share of difference is a surprise."""


def memory_peak() -> int | None:
    """Bytes that were in use at most on any device of this process; None where the backend does not count."""
    found = [(device.memory_stats() or {}).get("peak_bytes_in_use") for device in jax.local_devices()]
    counted = [peak for peak in found if peak]
    return max(counted) if counted else None


@dataclass
class Surprise:
    """Compares once, when the speed of some steps is known.

    Attributes:
        memory: bytes of a device at the peak of a step, as planned.
        seconds: of a step at peak rates, as planned; None: not known for this hardware.
    """

    memory: int
    seconds: float | None
    told: bool = field(default=False, init=False)

    @classmethod
    def of(cls, plan: Plan) -> Surprise:
        """What a plan leads to expect."""
        return cls(plan.memory.total, plan.roofline.step if plan.roofline else None)

    def measured(self, seconds: float) -> tuple[Mapping[str, float], list[Diagnostic]]:
        """What is worth a row beside the clock's, and what is a surprise.

        Args:
            seconds: that a step took.
        """
        peak = memory_peak()
        if peak is None:
            return {}, []
        row = {"z/plan/memory": float(self.memory), "z/plan/memory_measured": float(peak)}
        if self.seconds is not None:
            row |= {"z/plan/secs": self.seconds, "z/plan/secs_measured": seconds}
        return row, self._news(peak, seconds)

    def _news(self, peak: int, seconds: float) -> list[Diagnostic]:
        if self.told:
            return []
        self.told = True
        news: list[Diagnostic] = []
        difference = peak / self.memory - 1
        if abs(difference) > LARGE:
            news.append(catalog.memory_surprise(size(peak), size(self.memory), difference))
        if self.seconds is not None and abs(seconds / self.seconds - 1) > LARGE:
            news.append(catalog.time_surprise(seconds * 1e3, self.seconds * 1e3))
        return news
