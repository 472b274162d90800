"""Draws in a run: one value for each step beside its batch, and the compiled step that a static draw picks."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bvc.compile.step.draws import Draw, Value
from bvc.compile.wiring import DRAWS
from bvc.runtime.training import Feed, HostBatch

Chosen = tuple[Value, ...]
"""The values of the static draws, in their order."""


@dataclass(frozen=True)
class DrawnFeed:
    """A feed that adds to every batch which value was drawn for its step; `start` is the number of steps done."""

    feed: Feed
    draws: Sequence[Draw]
    seed: int
    start: int

    def __iter__(self) -> Iterator[HostBatch]:
        for step, batch in zip(itertools.count(self.start), self.feed):
            count = len(next(iter(batch.values())))
            drawn = {each.feature: np.full(count, each.index(self.seed, step)) for each in self.draws}
            yield {**batch, **drawn}

    def skipped(self) -> Sequence[str]:
        """As the feed itself says."""
        return self.feed.skipped()

    def close(self) -> None:
        """End what feeds it."""
        self.feed.close()


@dataclass(frozen=True)
class Placed:
    """A batch on the devices, and what was drawn for it."""

    batch: Any
    drawn: Mapping[str, Value]


def placing(draws: Sequence[Draw], place: Callable[[HostBatch], Any]) -> Callable[[HostBatch], Placed]:
    """`place` for batches with draws: those that are static stay on the host."""

    def placed(batch: HostBatch) -> Placed:
        own = {name: value for name, value in batch.items() if not name.startswith(DRAWS)}
        drawn: dict[str, Value] = {}
        for each in draws:
            chosen = batch[each.feature]
            drawn[each.name] = each.node.values[int(chosen[0])]
            if not each.node.static:
                own[each.feature] = np.full(len(chosen), drawn[each.name], each.dtype)
        return Placed(place(own), drawn)

    return placed


@dataclass
class Variants:
    """The step for every combination of static draws, all of them compiled before the first one runs.

    Attributes:
        draws: all draws.
        steps: the jitted step of each combination.
    """

    draws: Sequence[Draw]
    steps: Mapping[Chosen, Any]
    compiled: dict[Chosen, Callable[..., Any]] = field(default_factory=dict[Chosen, Callable[..., Any]])

    def __call__(self, state: Any, placed: Placed, *frozen: Any) -> tuple[Any, dict[str, Any]]:
        """One step; draws are logged as `draws/NAME`."""
        if not self.compiled:
            self._compile(state, placed.batch, *frozen)
        chosen = tuple(placed.drawn[each.name] for each in self.draws if each.node.static)
        state, metrics = self.compiled[chosen](state, placed.batch, *frozen)
        return state, {**metrics, **{f"draws/{name}": value for name, value in placed.drawn.items()}}

    def _compile(self, *arguments: Any) -> None:
        lowered = {chosen: step.lower(*arguments) for chosen, step in self.steps.items()}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            done = pool.map(lambda each: each.compile(), lowered.values())
            self.compiled.update(zip(lowered, done, strict=True))
