"""The feed: batches in order, prepared ahead by grain's worker processes or by a thread of this process."""

from __future__ import annotations

import functools
import multiprocessing.util
import os
import queue
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import grain
import numpy as np
from absl import flags
from grain.multiprocessing import SharedMemoryArray

from bvc.compile.pipeline.run import Pipeline
from bvc.component.error import DataError
from bvc.component.source import Records
from bvc.plan.data.host_memory import AHEAD, BUFFERED
from bvc.runtime.allocation import keep_freed_memory
from bvc.runtime.feed.batches import (
    EvalBatches,
    Skipped,
    TrainBatches,
    count_values,
    reading,
    too_many_skipped,
    where,
)
from bvc.runtime.feed.board import Board, start_worker
from bvc.runtime.feed.mixture import MixedPipeline, Mixture
from bvc.runtime.feed.order import Order
from bvc.runtime.feed.padding import SKIPPED
from bvc.runtime.feed.workers import suggested_workers

MOST_SECONDS = 60.0
"""An example that takes longer ends the run."""

_POLL_SECONDS = 0.5
_CLOSE_SECONDS = 5.0
"""A feed that closes does not wait longer for an example."""


class Feed:
    """Iterates over host batches: feature -> array with the examples of this process on dim 0.

    `wait` is how many seconds the last `next()` waited for data.

    Raises, from `next()`:
        DataError: a record cannot be used, a worker died, or an example takes longer than `MOST_SECONDS`; the
            record is named.
    """

    def __init__(self, batches: TrainBatches | EvalBatches, workers: int, skip: int = 0) -> None:
        self.wait = 0.0
        self._skip = skip
        self._bad: set[int] = set()
        self._news: list[str] = []
        self._batches = batches
        self._board = batches.board
        self._workers = workers
        self._ready: queue.Queue[tuple[str, Any]] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._pump: threading.Thread | None = None
        self._ended = False
        # where nobody closes the feed, before multiprocessing ends the workers
        given = weakref.ref(self), self._board
        multiprocessing.util.Finalize(self, Feed._close, args=given, exitpriority=100)

    @staticmethod
    def _close(feed: weakref.ref[Feed], board: Board) -> None:
        alive = feed()
        if alive is None:  # a thread that fills it would hold it, so there is none
            board.remove()
        else:
            alive.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        if self._ended:
            raise StopIteration
        if self._pump is None:
            self._pump = threading.Thread(target=self._run, name="bvc-feed", daemon=True)
            self._pump.start()
        started = time.monotonic()
        kind, value = self._next_ready()
        self.wait = time.monotonic() - started
        if kind == "batch":
            self._count(value.pop(SKIPPED, ()))
            return value
        self.close()
        if kind == "error":
            raise value
        raise StopIteration

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End threads and worker processes."""
        self._ended = True
        self._stop.set()
        self._board.close()
        if self._pump is not None:
            self._join(self._pump)
        self._board.remove()

    def _join(self, pump: threading.Thread) -> None:
        """Until the workers have ended; one that is killed leaves shared memory behind, so only for what hangs."""
        until = time.monotonic() + MOST_SECONDS
        while pump.is_alive():
            pump.join(_POLL_SECONDS)
            slowest = self._board.slowest()
            if time.monotonic() > until or (slowest is not None and slowest[1] > _CLOSE_SECONDS):
                self._board.kill()
                pump.join(_CLOSE_SECONDS)
                return

    def skipped(self) -> list[str]:
        """What is wrong with the examples that were replaced for the first time since this was last asked."""
        news, self._news = self._news, []
        return news

    def _count(self, skipped: Sequence[Skipped]) -> None:
        for number, looked, what in skipped:
            if number in self._bad:
                continue
            self._bad.add(number)
            if len(self._bad) > self._skip:
                self.close()
                raise too_many_skipped(len(self._bad), self._skip, (number, looked, what))
            self._news.append(
                f"skipped an example, {len(self._bad)} of at most {self._skip}: {what} ({looked})"
            )

    def _next_ready(self) -> tuple[str, Any]:
        while True:
            try:
                return self._ready.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                slowest = self._board.slowest()
                if slowest is not None and slowest[1] > MOST_SECONDS:
                    self._board.kill()
                    what = f"an example that is still not ready after {slowest[1]:.0f} seconds"
                    return "error", DataError(what, where(self._batches.records, slowest[0]))

    def _run(self) -> None:
        """Move batches from grain to the queue, until the end or until `close`."""
        batches: Any = None
        if not self._workers:
            keep_freed_memory()
        try:
            batches = iter(_dataset(self._batches, self._workers))
            for batch in batches:
                if self._workers:
                    # out of the memory that processes share, which grain frees with the last view of it
                    batch = {name: _owned(value) for name, value in batch.items()}
                self._offer("batch", batch)
                if self._stop.is_set():
                    self._drain(batches)
                    return
            self._offer("end", None)
        except DataError as error:
            self._offer(
                "error", DataError(error.what, error.looked, error.help)
            )  # grain adds lines to the message
        except RuntimeError as error:
            self._offer("error", self._explained(error))
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that asks for the batch
            self._offer("error", error)
        finally:
            if batches is not None:
                batches.close()
            _wait_until_freed()

    def _drain(self, batches: Iterator[dict[str, Any]]) -> None:
        """Take what the workers still hold: they are through when each in turn gave an empty batch."""
        empty = 0
        for batch in batches:
            empty = 0 if batch else empty + 1
            del batch
            if empty > self._workers:
                break

    def _offer(self, kind: str, value: Any) -> None:
        while not self._stop.is_set():
            try:
                self._ready.put((kind, value), timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

    def _explained(self, error: RuntimeError) -> Exception:
        """Grain says that a worker died; the board knows on which record."""
        if "terminated unexpectedly" not in str(error):
            return error
        left = self._board.left_by({child.pid for child in multiprocessing.active_children() if child.pid})
        at = where(self._batches.records, left[0]) if left else ""
        return DataError(
            "a worker process that died while it prepared an example",
            at,
            "if the machine ran out of memory: fewer `run.workers`, or a smaller batch",
        )


class TrainFeed(Feed):
    """The batches of the steps after `start_step`, without end; the same for any number of workers and processes.

    Args:
        records: raw examples; of a `Mixture` every source comes by its weight.
        pipeline: what is done to each.
        batch: examples in a step, over all processes.
        seed: seed of the run.
        shuffle: a new order in every epoch.
        skip: how many examples may be replaced because they cannot be used; counted in each process, from its start.
        start_step: steps that were done before.
        rows: which positions of every batch this process takes, ascending; None: all.
        workers: worker processes; 0: a thread of this process; None: what suits the machine.
    """

    def __init__(
        self,
        records: Records,
        pipeline: Pipeline | MixedPipeline,
        *,
        batch: int,
        seed: int,
        shuffle: bool,
        skip: int = 0,
        start_step: int = 0,
        rows: Sequence[int] | None = None,
        workers: int | None = None,
    ) -> None:
        if not len(records):
            raise DataError("no example to train on")
        workers = suggested_workers() if workers is None else workers
        board = Board.create(max(workers, 1))
        rows = range(batch) if rows is None else rows
        mix = records if isinstance(records, Mixture) else Mixture((records,), (1.0,))
        order = Order(mix.sizes, mix.shares, seed, shuffle)
        read = reading(records, pipeline.inputs)
        super().__init__(
            TrainBatches(read, pipeline, board, batch, seed, order, start_step, rows, skip), workers, skip
        )


class EvalFeed(Feed):
    """Every example once, in order; the last batch is padded with zeros and `_mask` says which examples are real.

    Args:
        records: raw examples.
        pipeline: what is done to each.
        batch: examples in a batch, over all processes.
        seed: seed of the run, for random ops.
        expand: a feature of several values: each value becomes an example; `_parent` (i32) numbers the original.
        rows: which positions of every batch this process takes, ascending; None: all.
        workers: worker processes; 0: a thread of this process.
    """

    def __init__(
        self,
        records: Records,
        pipeline: Pipeline,
        *,
        batch: int,
        seed: int = 0,
        expand: str | None = None,
        rows: Sequence[int] | None = None,
        workers: int = 0,
    ) -> None:
        first = None if expand is None else count_values(reading(records, frozenset([expand])), expand)
        inputs = pipeline.inputs
        if inputs is not None and expand is not None:
            inputs |= {expand}
        board = Board.create(max(workers, 1))
        rows = range(batch) if rows is None else rows
        super().__init__(
            EvalBatches(reading(records, inputs), pipeline, board, batch, seed, expand, first, rows),
            workers,
        )


def _wait_until_freed() -> None:
    """Grain frees shared memory in a thread of its own, one after the other: what comes last has all others behind it.

    What is not freed when this process ends Python reports as leaked.
    """
    freeing = SharedMemoryArray._del_thread_pool  # pyright: ignore[reportPrivateUsage] - nothing public waits for it
    if freeing is not None:
        freeing.apply(int)


def _owned(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray) else value


def _dataset(batches: TrainBatches | EvalBatches, workers: int) -> grain.IterDataset:
    # no threads of grain's: they would keep a process from ending when an example never comes
    dataset = grain.MapDataset.source(batches).to_iter_dataset(
        grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
    )
    if not workers:
        return dataset
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
    return dataset.mp_prefetch(
        grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=BUFFERED),
        worker_init_fn=functools.partial(start_worker, os.getpid()),
    )
