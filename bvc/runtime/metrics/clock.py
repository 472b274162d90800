"""Time, speed and core hours of a run, over restarts; big_vision's chronometer with its names.

Values that depend on the clock never go into the metrics file, which must be the same whenever the run is
repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Totals:
    """What a checkpoint carries: seconds of the program, of training, of pauses; examples seen while
    measuring.
    """

    program: float = 0.0
    train: float = 0.0
    pause: float = 0.0
    examples: float = 0.0


class Clock:
    """Integrates time from one logged step to the next (`tick`); evaluation and saving are pauses.

    Speed is measured from `start` on, which is called after the first step: that one compiles.
    """

    def __init__(
        self,
        *,
        batch: int,
        devices: int,
        kind: str,
        totals: Mapping[str, float] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`kind` names the devices in `core_hours_<kind>`; `totals` is what `saved` returned in the run
        before.
        """
        self._batch, self._devices, self._kind, self._now = batch, devices, kind, now
        self._totals = Totals(**totals) if totals else Totals()
        self._begin = self._previous = now()
        self._before = self._totals.program
        self._step: int | None = None
        self._paused = 0.0

    def start(self, step: int) -> None:
        """Measure speed from now, the end of `step`, on."""
        self._step, self._previous, self._paused = step, self._now(), 0.0

    def tick(self, step: int) -> dict[str, float]:
        """The metrics at a logged step: `uptime`; once started also `img/sec/core` and `core_hours`."""
        now = self._now()
        found = {"uptime": self._before + now - self._begin}
        if self._step is not None and step > self._step:
            steps, seconds = step - self._step, now - self._previous - self._paused
            self._totals.train += seconds
            self._totals.examples += steps * self._batch
            hours = self._devices * self._totals.train / 3600
            found["img/sec/core"] = steps * self._batch / seconds / self._devices
            found[f"core_hours_{self._kind}"] = hours
            found["core_hours"] = hours
            self.start(step)
        return found

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Time inside does not count as training."""
        start = self._now()
        try:
            yield
        finally:
            seconds = self._now() - start
            self._paused += seconds
            self._totals.pause += seconds

    def saved(self) -> dict[str, float]:
        """The integrals, for a checkpoint."""
        program = self._before + self._now() - self._begin
        totals = self._totals
        return {
            "program": program,
            "train": totals.train,
            "pause": totals.pause,
            "examples": totals.examples,
        }
