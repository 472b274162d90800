"""At which steps something is due: logging, saving, evaluating.

A pure function of the step, so that a run that was stopped and continued does the same things at the same
steps. big_vision's rules (`reference/optim/README.md`, "is it time").
"""

from __future__ import annotations

from dataclasses import dataclass

NEAR_THE_END = 0.25
"""Within this part of an interval before the last step nothing is due: the last step does it."""


def due(step: int, every: int | None, total: int, *, first: bool = True, last: bool = True) -> bool:
    """Whether `step` is a multiple of `every`, not just before the end, or the first or last step of the run.

    Args:
        step: steps done, from 1.
        every: the interval in steps; None or 0: never.
        total: steps of the whole run.
        first: step 1 is due too.
        last: the last step is due too.
    """
    if not every:
        return False
    close = abs(step - total) < NEAR_THE_END * every
    return (step % every == 0 and not close) or (first and step == 1) or (last and step == total)


@dataclass(frozen=True, slots=True)
class Times:
    """The length of a run and its intervals, in steps; None: never, but the last step is always saved."""

    total: int
    log: int
    save: int | None
    keep: int | None

    def logs(self, step: int) -> bool:
        """Training metrics are written. Step 2 is the first without compilation, so the first speed is soon
        seen.
        """
        return due(step, self.log, self.total) or step == 2

    def saves(self, step: int) -> bool:
        """A checkpoint is written: at the end, and at an interval if there is one.

        With an interval at step 1 too, so that what prevents saving is found at once.
        """
        return step == self.total or due(step, self.save, self.total)

    def keeps(self, step: int) -> bool:
        """Rotation leaves the checkpoint of this step."""
        return due(step, self.keep, self.total, first=False)

    def evaluates(self, step: int, every: int | None, *, skip_first: bool) -> bool:
        """An evaluator runs; before training (step 0) too, unless `skip_first`."""
        if step == 0:
            return bool(every) and not skip_first
        return due(step, every, self.total, first=False)
