"""The loop: steps, logging, saving, evaluating, at their times; continues where a run stopped.

What a row of the metrics file says depends on the spec and the step alone. A checkpoint of step s is written
before the evaluations of step s, and carries that part of its row which only the step could measure; a run
that was killed before the row was complete evaluates again. So the file of a continued run equals that of an
uninterrupted one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import PyTree

from bvc.component.error import DataError
from bvc.diagnostics import Diagnostic, Failed
from bvc.diagnostics.catalog import missing
from bvc.diagnostics.catalog import run as catalog
from bvc.runtime.checkpoints.checkpoint import Checkpoints
from bvc.runtime.checkpoints.finite import not_finite_leaves, not_finite_metrics
from bvc.runtime.interruption import Interruption, Stopped
from bvc.runtime.metrics.clock import Clock
from bvc.runtime.metrics.progress import Progress
from bvc.runtime.metrics.rows import CLOCK, METRICS, Rows
from bvc.runtime.metrics.surprise import Surprise
from bvc.runtime.metrics.writers import Writers
from bvc.runtime.processes.peers import is_first, of_first
from bvc.runtime.trace import Trace
from bvc.runtime.training import Training
from bvc.runtime.workdir import Workdir

LOSS = "training_loss"
_IN_FLIGHT = 3
"""Steps that are dispatched before the loop waits for the oldest: enough to hide the host's work, few enough
that their batches do not fill the memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the state after `step`; `signal` names what interrupted it, if it was not finished."""

    step: int
    state: PyTree
    signal: str | None
    metrics: Mapping[str, float]
    """Of the last row that was written."""


def train(
    training: Training,
    workdir: Workdir,
    progress: Progress,
    *,
    surprise: Surprise | None = None,
    trace: Trace | None = None,
) -> Outcome:
    """Train from the newest checkpoint of the work directory, or from the start, to the end.

    Args:
        training: the program, ready to run.
        workdir: opened.
        progress: where it is shown.
        surprise: compares what a step takes with the plan.
        trace: records some steps.

    Raises:
        Failed: a checkpoint cannot be used (B0521, B0522) or written (B0514), data cannot be read (B0505),
        training
            diverged (B0530), or the devices' memory does not suffice (B0533).
    """
    with ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        rows = stack.enter_context(closing(Rows(workdir.folder, METRICS)))
        clock_rows = stack.enter_context(closing(Rows(workdir.folder, CLOCK)))

        def before_commit() -> None:
            rows.sync()
            workdir.check_held()

        checkpoints = stack.enter_context(
            closing(Checkpoints(workdir.checkpoints, training.times.keeps, before_commit))
        )
        writers = stack.enter_context(closing(Writers(training.writers, workdir.folder)))
        if trace:
            stack.enter_context(closing(trace))
        loop = _Loop(
            training, progress, interruption, workdir, checkpoints, rows, clock_rows, writers, surprise, trace
        )
        signal = None
        try:
            loop.begin()
            loop.run(stack)
        except Stopped:
            signal = interruption.signal
            loop.save()
        except DataError as error:
            raise Failed(missing.data_unreadable(error.what, error.looked, None, error.help)) from error
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise Failed(catalog.out_of_memory(loop.step + 1, str(error).split("\n", 1)[0])) from error
        checkpoints.wait()
        return Outcome(loop.step, loop.state, signal, loop.last_row)


@dataclass
class _Loop:
    training: Training
    progress: Progress
    interruption: Interruption
    workdir: Workdir
    checkpoints: Checkpoints
    rows: Rows
    clock_rows: Rows
    writers: Writers
    surprise: Surprise | None
    trace: Trace | None

    step: int = 0
    state: PyTree = None
    skipped: int = 0
    """Examples that could not be used and were replaced, since this process began."""

    def begin(self) -> None:
        """Load or initialize, cut the files back, and finish the row of the step where the run begins."""
        training = self.training
        began = time.monotonic()
        loaded, warnings = self.checkpoints.load(training.abstract)
        extra: Mapping[str, Any] = loaded.extra if loaded else {}
        for told in warnings:
            self.progress.say(_plain(told))
        self.step = loaded.step if loaded else 0
        self.clock = Clock(
            batch=training.batch, devices=training.devices, kind=training.kind, totals=extra.get("clock")
        )
        self.state = loaded.state if loaded else jax.block_until_ready(training.init())
        self.seconds = {"z/secs/init": time.monotonic() - began}
        self.last_row: Mapping[str, float] = {}
        # parts of the row of this step that only the step itself could measure
        self.row: dict[str, float] = dict(extra.get("row", {"num_params": float(training.parameters)}))
        if loaded:
            self.progress.say(f"continuing after step {self.step}")
        newest = of_first(self.resume_rows)
        if newest != self.step:
            self.finish_row()

    def resume_rows(self) -> int | None:
        """Cut the files back to the checkpoint; the step of the last row."""
        newest = self.rows.resume(self.step)
        self.clock_rows.resume(-1 if newest is None else newest)
        self.writers.open(newest)
        return newest

    def run(self, stack: ExitStack) -> None:
        """The steps that are left. Raises `Stopped` after the step in which a signal came."""
        training, times = self.training, self.training.times
        if self.step == times.total:
            return
        feed = stack.enter_context(closing(training.feed(self.step)))
        batches = iter(feed)
        in_flight: deque[Any] = deque()
        loss: float | None = None
        first = self.step + 1
        self.progress.doing("compiling the step")
        began = time.monotonic()
        while self.step < times.total:
            self.interruption.check()
            started = time.monotonic()
            host = next(batches)
            waited = time.monotonic() - started
            for told in feed.skipped():
                self.skipped += 1
                self.progress.say(told)
            if self.trace:
                self.trace.before(self.step + 1)
            self.state, metrics = training.step(self.state, training.place(host))
            self.step += 1
            if self.trace and self.trace.after(self.step, metrics):
                self.progress.say(str(self.trace))
            self.row = {}
            in_flight.append(metrics[LOSS])
            if len(in_flight) > _IN_FLIGHT:
                loss = float(in_flight.popleft())
            logs = times.logs(self.step)
            if logs:
                self.measure(metrics)
                loss = self.row[LOSS]
                in_flight.clear()
            self.progress.stepped(self.step, loss, waited)
            if self.step == first:
                jax.block_until_ready(metrics)
                self.seconds["z/secs/update0"] = time.monotonic() - began
                self.clock.start(self.step)
                self.progress.paused()
            if logs:
                self.progress.logged()
            if times.saves(self.step):
                self.save()
            self.finish_row()
            self.checkpoints.poll()

    def measure(self, metrics: Mapping[str, Any]) -> None:
        """Bring the metrics of this step to the host. Raises `Failed` (B0530) if one is not finite."""
        training, step = self.training, self.step
        measured = {name: float(value) for name, value in jax.device_get(dict(metrics)).items()}
        self.row = {LOSS: measured.pop(LOSS), **measured}
        seen = step * training.batch
        self.row |= {"examples_seen": float(seen), "progress": step / training.times.total}
        if training.examples:
            self.row["epoch"] = seen / training.examples
        bad = not_finite_metrics(self.row)
        if bad:
            self.write_row()  # so that it can be seen how the norms went
            self.checkpoints.wait()
            raise Failed(catalog.not_finite(step, bad, not_finite_leaves(self.state), self.checkpoints.last))

    def save(self) -> None:
        """Save the state of this step, unless it is not finite (B0530)."""
        with self.clock.pause():
            bad = not_finite_leaves(self.state)
            if bad:
                self.checkpoints.wait()
                raise Failed(catalog.not_finite(self.step, [], bad, self.checkpoints.last))
            self.checkpoints.save(self.step, self.state, {"row": self.row, "clock": self.clock.saved()})
        self.progress.paused()

    def finish_row(self) -> None:
        """Run the evaluations that are due, then write the row. Raises `Stopped`; the row is not written
        then.
        """
        found = dict(self.row)
        for evaluation in self.training.evaluations:
            due = self.training.times.evaluates(self.step, evaluation.every, skip_first=evaluation.skip_first)
            if not due:
                continue
            self.progress.doing(f"evaluating {evaluation.name}")
            started = time.monotonic()
            with self.clock.pause():
                metrics = evaluation.run(self.state, self.interruption.check)
            seconds = time.monotonic() - started
            self.seconds[f"z/secs/eval/{evaluation.name}"] = seconds
            self.progress.evaluated(evaluation.name, self.step, metrics, seconds)
            self.progress.paused()
            found |= {evaluation.prefix + name: value for name, value in metrics.items()}
        self.row = found
        if found:
            self.write_row()

    def write_row(self) -> None:
        """The row of this step, after that of the clock: what stands in the metrics file is complete."""
        ticked = self.clock.tick(self.step)
        if self.surprise and "img/sec/core" in ticked:
            rate = ticked["img/sec/core"] * self.training.devices
            beside, news = self.surprise.measured(self.training.batch / rate)
            ticked |= beside
            for told in news:
                self.progress.say(_plain(told))
        skipped = {"skipped_examples": float(self.skipped)} if self.skipped else {}
        if is_first():
            self.workdir.check_held()
            clock = {**ticked, **self.seconds, **skipped}
            self.writers.write(self.step, {**self.row, **clock})
            self.clock_rows.append(self.step, clock)
            self.rows.append(self.step, self.row)
        self.last_row = self.row
        self.seconds = {}


def _plain(told: Diagnostic) -> str:
    return f"{told.severity}[{told.code}]: {told.message}" + "".join(f"; {note}" for note in told.notes)
