"""Batches by number: what workers compute. Imports neither jax nor grain.

Once the feed is closing, batches are empty, so that nothing is left in the memory that processes share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, SupportsIndex

import numpy as np

from bvc.compile.pipeline.run import Pipeline
from bvc.component.error import DataError
from bvc.component.source import Records
from bvc.runtime.feed.board import Board
from bvc.runtime.feed.order import Order
from bvc.runtime.feed.padding import MASK, PARENT, SKIPPED

ENDLESS = 1 << 40
"""Steps of a training feed: more than any run takes."""

_MOST_ATTEMPTS = 1000
"""Draws of a replacement; a source with hardly more examples than bad ones ends the run."""

Skipped = tuple[int, str, str]
"""An example that cannot be used: its number, its name, and what is wrong with it."""

_NARROW = {"int64": np.int32, "uint64": np.uint32, "float64": np.float32}


class ExamplePipeline(Protocol):
    """What is done to an example; of a mixture of sources, what that of its source does."""

    def apply(self, example: Mapping[str, Any], seed: int, epoch: int, index: int) -> dict[str, Any]:
        """The example after all steps."""
        ...


@dataclass(frozen=True)
class TrainBatches:
    """This process's part of the batches of training, by number.

    Batch s holds the examples [s * batch, (s + 1) * batch) of the endless sequence that `order` describes; this process
    has the positions `rows` of it. With `skip`, examples that cannot be used are replaced, and `_skipped` tells of
    them: their number, name, and what is wrong with them.
    """

    records: Records
    pipeline: ExamplePipeline
    board: Board
    batch: int
    seed: int
    order: Order
    start: int
    rows: Sequence[int]
    skip: int = 0

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        first = (self.start + index.__index__()) * self.batch
        rows: list[Mapping[str, Any]] = []
        skipped: list[Skipped] = []
        for row in self.rows:
            if self.board.closing:
                return {}
            rows.append(self._example(first + row, rows, skipped))
        self.board.idle()
        batch = stacked(rows)
        if skipped:
            batch[SKIPPED] = skipped
        return batch

    def _example(
        self, position: int, rows: Sequence[Mapping[str, Any]], skipped: list[Skipped]
    ) -> Mapping[str, Any]:
        """The example at a position, or the first usable one of those that replace it."""
        epoch, number = self.order.at(position)
        bad: set[int] = set()
        for attempt in range(_MOST_ATTEMPTS):
            at = self.order.instead(epoch, number, attempt) if attempt else number
            if at in bad:
                continue
            self.board.working_on(at)
            try:
                with _named(self.records, at):
                    row = self.pipeline.apply(self.records[at], self.seed, epoch, at)
                    _check(row, rows[0] if rows else row)
                    return row
            except DataError as error:
                if not self.skip:
                    raise
                bad.add(at)
                skipped.append((at, error.looked, error.what))
                if len(bad) > self.skip:
                    break
        raise too_many_skipped(len(bad), self.skip, skipped[-1])


def too_many_skipped(count: int, bound: int, last: Skipped) -> DataError:
    """More examples cannot be used than the spec allows to skip."""
    _, looked, what = last
    return DataError(
        f"{count} examples that cannot be used, more than `data.train.skip_bad = {bound}` allows; the last: {what}",
        looked,
    )


@dataclass(frozen=True)
class EvalBatches:
    """This process's part of the batches of an evaluation: every example once, in order, the last batch padded.

    `expand` is a feature whose values become examples of their own; `first` are then the numbers of the first value
    of each example, and the number of all values.
    """

    records: Records
    pipeline: Pipeline
    board: Board
    batch: int
    seed: int
    expand: str | None
    first: np.ndarray | None
    rows: Sequence[int]

    @property
    def examples(self) -> int:
        """How many examples pass, over all processes."""
        return len(self.records) if self.first is None else int(self.first[-1])

    def __len__(self) -> int:
        return -(-self.examples // self.batch)

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        begin = index.__index__() * self.batch
        positions = [begin + row for row in self.rows if begin + row < self.examples]
        rows: list[dict[str, Any]] = []
        for position in positions:
            if self.board.closing:
                return {}
            rows.append(self._example(position))
            with _named(self.records, self._number(position)):
                _check(rows[-1], rows[0])
        template = rows[0] if rows else self._example(0)
        self.board.idle()
        batch = stacked([*rows, *[_blank(template)] * (len(self.rows) - len(rows))])
        batch[MASK] = np.arange(len(self.rows)) < len(rows)
        return batch

    def _number(self, position: int) -> int:
        return (
            position if self.first is None else int(np.searchsorted(self.first, position, side="right")) - 1
        )

    def _example(self, position: int) -> dict[str, Any]:
        number = self._number(position)
        self.board.working_on(number)
        with _named(self.records, number):
            example = dict(self.records[number])
            if self.first is not None and self.expand is not None:
                example[self.expand] = example[self.expand][position - int(self.first[number])]
            made = self.pipeline.apply(example, self.seed, 0, position)
        if self.first is not None:
            made[PARENT] = np.int32(number)
        return made


def count_values(records: Records, feature: str) -> np.ndarray:
    """Number of the first value of `feature` of each example, counted through, and of all values at the end."""
    counts: list[int] = []
    for number in range(len(records)):
        with _named(records, number):
            counts.append(len(records[number][feature]))
    return np.concatenate([[0], np.cumsum(counts)])


def reading(records: Records, names: frozenset[str] | None) -> Records:
    """Records that read these features alone, where they can leave the others out; None: all."""
    only = getattr(records, "only", None)
    return records if only is None or names is None else only(names)


def where(records: Records, number: int) -> str:
    """The name of a record, for messages."""
    describe = getattr(records, "describe", None)
    return describe(number) if describe else f"example {number}"


def stacked(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Examples as one batch; texts and encoded files stay lists."""
    found: dict[str, Any] = {}
    for name, value in rows[0].items():
        if isinstance(value, str | bytes | list):
            found[name] = [row[name] for row in rows]
            continue
        dtype = _NARROW.get(value.dtype.name, value.dtype)
        batch = np.empty((len(rows), *value.shape), dtype)
        for number, row in enumerate(rows):
            batch[number] = row[name]
        found[name] = batch
    return found


def _blank(example: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: type(value)() if isinstance(value, str | bytes | list) else np.zeros_like(value)
        for name, value in example.items()
    }


def _check(row: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Raise `DataError` where a feature cannot stand in one batch with that of the first example."""
    for name, value in row.items():
        if isinstance(value, str | bytes | list):
            continue
        if value.shape != first[name].shape:
            sizes = f"{list(value.shape)}, not {list(first[name].shape)}"
            raise DataError(
                f"feature `{name}` of another size than in the first example of the batch: {sizes}"
            )
        narrow = _NARROW.get(value.dtype.name)
        if narrow is not None and value.dtype.kind in "iu" and value.size:
            limits = np.iinfo(narrow)
            if value.min() < limits.min or value.max() > limits.max:
                raise DataError(f"feature `{name}` with a value that does not fit into {np.dtype(narrow)}")


class _named:  # noqa: N801 - reads as a statement
    """Names the record in a `DataError` that is raised inside."""

    def __init__(self, records: Records, number: int) -> None:
        self.records, self.number = records, number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DataError) and not error.looked:
            raise DataError(error.what, where(self.records, self.number), error.help) from error
