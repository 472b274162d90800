"""The memory that a feed takes on a host: what waits in batches, what workers need, what is looked up."""

from __future__ import annotations

from dataclasses import dataclass

AHEAD = 2
"""Batches that are ready before they are asked for."""
BUFFERED = 1
"""Batches that a worker holds ready, besides the one that it is making."""
WORKER = 150 * 2**20
"""Bytes of a worker process of its own: Python with what a worker imports; measured, rounded up."""
RECORD = 16
"""Bytes for where a record lies, about: file and offset."""


@dataclass(frozen=True, slots=True)
class HostPart:
    """Something that takes memory on the host.

    Attributes:
        what: what it is.
        bytes: how much.
        why: how that comes about.
    """

    what: str
    bytes: int
    why: str


def feed_memory(
    *, batch: int, example: int, workers: int, records: int | None, shuffle: bool
) -> tuple[HostPart, ...]:
    """What the feed of training takes on one host.

    Args:
        batch: bytes of the host's part of a batch.
        example: bytes of an example where it is largest.
        workers: worker processes; 0: a thread.
        records: examples of the split, where known.
        shuffle: whether examples come in another order in each epoch.
    """
    makers = max(workers, 1)
    processes = workers + 1
    parts = [HostPart("ready batches", (AHEAD + 1) * batch, f"{AHEAD} ahead, 1 on its way to the devices")]
    if workers:
        each = "one that is made, one that is ready, in each"
        parts += [
            HostPart("workers", workers * WORKER, f"{workers} processes"),
            HostPart("batches of workers", workers * (BUFFERED + 1) * batch, each),
        ]
    else:
        parts.append(HostPart("batch in making", batch, "by a thread; no worker processes"))
    parts.append(HostPart("example in making", makers * example, "where it is largest"))
    if records is not None:
        why = f"where each of {records} records lies, in {processes} process{'es' * (processes > 1)}"
        parts.append(HostPart("index", records * RECORD * processes, why))
    how = "the order is computed, one position at a time" if shuffle else "examples come as they are stored"
    parts.append(HostPart("shuffling", 0, how))
    parts.append(HostPart("caching", 0, "none of bvc's; the system keeps files in memory that is free"))
    return tuple(parts)


def evaluation_memory(batch: int) -> HostPart:
    """What the largest evaluation takes beside it; `batch` is in bytes."""
    return HostPart("evaluation", (AHEAD + 2) * batch, "the largest; while it runs, by a thread")
