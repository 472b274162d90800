"""How fast examples come: every stage by itself on one core, then the whole feed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from bvc.compile.pipeline.device import left_to_devices
from bvc.compile.pipeline.mixing import split_sources
from bvc.compile.pipeline.run import Pipeline, run_step
from bvc.compile.program import Program
from bvc.component.source import Records
from bvc.runtime.assemble import assemble, machine
from bvc.runtime.feed.batches import reading, stacked
from bvc.runtime.feed.training_data import training_data
from bvc.runtime.feed.workers import suggested_workers
from bvc.runtime.training import Feed

Told = Callable[[int, int], None]
"""Told (seconds done, seconds in all)."""
Place = Callable[[Mapping[str, Any]], Mapping[str, jax.Array]]
"""From a host batch to the devices."""

_BATCHES = 8
"""Batches that the feed gives at least in the time that it is measured; large ones are cut for that."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the way: `seconds` of one core for one example, and its kind."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Benched:
    """What was measured.

    Attributes:
        examples: on which the stages were measured.
        stages: `read`, every op by its name, and `batch`, which puts examples together.
        transfer: seconds of an example's part of a batch from the host to the devices, with what runs there.
        workers: worker processes of the feed.
        rate: examples that the feed gives in a second, when nobody computes beside it.
        wait: seconds that the next batch is waited for then.
        batch: examples in a batch.
    """

    examples: int
    stages: tuple[Stage, ...]
    transfer: float
    workers: int
    rate: float
    wait: float
    batch: int

    @property
    def core(self) -> float:
        """Examples that one core makes in a second."""
        return 1.0 / sum(stage.seconds for stage in self.stages)

    @property
    def bound(self) -> str:
        """What takes the most time: a stage of the host, or the transfer."""
        slowest = max(self.stages, key=lambda stage: stage.seconds)
        return "transfer" if self.transfer > 1.0 / self.rate else slowest.name


def bench(
    program: Program, root: str, seconds: float, told: Told, say: Callable[[str], None] | None = None
) -> Benched:
    """Measure the data of training, half of the time stage by stage, half of it the whole feed.

    Args:
        program: compiled.
        root: the data directory.
        seconds: how long to measure.
        told: told how far it is.
        say: told how far a filter is, where one must first look at the examples.

    Raises:
        Failed: data is missing, or the mesh does not fit the devices.
        DataError: an example cannot be used.
    """
    experiment = program.experiment
    data = training_data(experiment, root, say)
    weights = [source.weight for source, _ in data.opened]
    pipelines, _ = split_sources(data.train.sources, tuple(program.batch))
    sources = [
        (records, pipeline, weight / sum(weights))
        for (_, records), pipeline, weight in zip(data.opened, pipelines, weights, strict=True)
    ]
    half = seconds / 2
    stages, made, rows = time_stages(
        sources, experiment.run.seed, data.train.batch, half, lambda done, _: told(done, int(seconds))
    )
    rate = 1.0 / sum(stage.seconds for stage in stages)
    devices = jax.device_count()
    most = max(1, int(rate * half / _BATCHES) // devices) * devices
    train = dataclasses.replace(data.train, batch=min(data.train.batch, most))
    alone = dataclasses.replace(experiment, train=train, evals=())
    program = dataclasses.replace(program, experiment=alone, evals=(), frozen=())
    training = assemble(program, root, machine(program))
    transfer = time_transfer(training.place, rows, train.batch)
    workers = suggested_workers() if experiment.run.workers is None else experiment.run.workers
    found, wait = time_feed(
        training.feed(0), train.batch, half, lambda done, _: told(int(half) + done, int(seconds))
    )
    return Benched(made, stages, transfer, workers, found, wait, train.batch)


def time_stages(
    sources: Sequence[tuple[Records, Pipeline, float]], seed: int, batch: int, seconds: float, told: Told
) -> tuple[tuple[Stage, ...], int, list[dict[str, Any]]]:
    """Seconds of each stage for one example, how many were made, and the last of them.

    Examples are read in a random order, as in training. Of several sources each takes a turn by its share.

    Args:
        sources: records, pipeline and share of each.
        seed: of the run.
        batch: examples in a batch.
        seconds: how long to measure.
        told: told how far it is.

    Raises:
        DataError: an example cannot be used.
    """
    spent: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    rng = np.random.default_rng(seed)
    made = 0
    only = [(reading(records, pipeline.inputs), pipeline, share) for records, pipeline, share in sources]
    for records, pipeline, _ in only:  # opens files, imports what decodes
        pipeline.apply(records[0], seed, 0, 0)
    begun = time.perf_counter()
    while not made or time.perf_counter() - begun < seconds:
        records, pipeline, _ = only[int(rng.choice(len(only), p=[share for _, _, share in only]))]
        number = int(rng.integers(len(records)))
        started = time.perf_counter()
        features = dict(records[number])
        spent["read"] = spent.get("read", 0.0) - started + (started := time.perf_counter())
        for step in pipeline.steps:
            run_step(step, features, seed, 0, number)
            if step.call is not left_to_devices:
                spent[step.name] = spent.get(step.name, 0.0) - started + time.perf_counter()
            started = time.perf_counter()
        rows = [*rows[-batch + 1 :], {name: features[name] for name in pipeline.outputs}]
        made += 1
        told(int(time.perf_counter() - begun), int(seconds))
    started = time.perf_counter()
    stacked(rows)
    stages = [Stage(name, total / made) for name, total in spent.items()]
    stages.append(Stage("batch", (time.perf_counter() - started) / len(rows)))
    return tuple(stages), made, rows


def time_transfer(place: Place, rows: Sequence[Mapping[str, Any]], batch: int, times: int = 3) -> float:
    """Seconds of an example's part of a batch to the devices; the first transfer compiles and does not count."""
    host = stacked([rows[number % len(rows)] for number in range(batch)])
    jax.block_until_ready(place(host))
    started = time.perf_counter()
    for _ in range(times):
        jax.block_until_ready(place(host))
    return (time.perf_counter() - started) / times / batch


def time_feed(feed: Feed, batch: int, seconds: float, told: Told) -> tuple[float, float]:
    """Examples per second of a feed that is asked for the next batch at once, and the mean wait for it.

    The first batches are not counted: they wait for processes to start.
    """
    batches = iter(feed)
    try:
        for _ in range(2):
            next(batches)
        count, waited = 0, 0.0
        begun = now = time.perf_counter()
        while count < 2 or now - begun < seconds:
            asked = time.perf_counter()
            next(batches)
            now = time.perf_counter()
            count, waited = count + 1, waited + now - asked
            told(int(now - begun), int(seconds))
        return count * batch / (now - begun), waited / count
    finally:
        feed.close()
