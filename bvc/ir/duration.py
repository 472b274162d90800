"""Quantities of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bvc.diagnostics import Origin

DurationUnit = Literal["steps", "epochs", "examples", "%"]


@dataclass(frozen=True, slots=True)
class Duration:
    """A quantity of training: `90 epochs`, `5_000 steps`, `1.28M examples`, `3%` of the run."""

    value: float
    unit: DurationUnit
    origin: Origin

    def steps(self, *, batch: int, examples: int | None, total: int | None) -> int:
        """In steps, rounded half to even, at least 1 unless the value is 0 (as big_vision does).

        Args:
            batch: examples in a step.
            examples: examples in an epoch; needed for epochs.
            total: steps of the run; needed for percents.

        Raises:
            ValueError: the unit needs a number that is not known.
        """
        if self.unit == "steps":
            found = self.value
        elif self.unit == "examples":
            found = self.value / batch
        elif self.unit == "epochs":
            if examples is None:
                raise ValueError("the number of examples in an epoch is not known")
            found = self.value * examples / batch
        else:
            if total is None:
                raise ValueError("the length of the run is not known")
            found = self.value / 100 * total
        return max(1, round(found)) if self.value else 0
