"""Several sources of training data as one: their examples numbered through, each with the pipeline of its source."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, SupportsIndex

from bvc.compile.pipeline.run import Pipeline
from bvc.component.feature import Features
from bvc.component.shares import block_shares
from bvc.component.source import Records
from bvc.runtime.feed.batches import reading, where


@dataclass(frozen=True)
class Mixture:
    """The examples of several sources, one source after another.

    Attributes:
        parts: the sources; none is empty.
        weights: share of each of the examples that training sees, of the sum of all.
    """

    parts: tuple[Records, ...]
    weights: tuple[float, ...]

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: SupportsIndex) -> Mapping[str, Any]:
        source, number = self.located(index.__index__())
        return self.parts[source][number]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Examples of each source."""
        return tuple(len(part) for part in self.parts)

    @property
    def shares(self) -> tuple[int, ...]:
        """Examples of each source in a block."""
        return block_shares(self.weights)

    def located(self, index: int) -> tuple[int, int]:
        """Source of an example, and its number there."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        source = bisect.bisect_right(self._ends, index)
        return source, index - (self._ends[source - 1] if source else 0)

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        return tuple(accumulate(self.sizes))

    def describe(self, index: int) -> str:
        """The name of a record, for messages."""
        source, number = self.located(index)
        return where(self.parts[source], number)


@dataclass(frozen=True)
class MixedPipeline:
    """What is done to an example of a mixture: what the pipeline of its source does. All make the same features."""

    pipelines: tuple[Pipeline, ...]
    mixture: Mixture
    inputs: None = None

    @property
    def outputs(self) -> Features:
        """Features that are kept at the end, with their types."""
        return self.pipelines[0].outputs

    def apply(self, example: Mapping[str, Any], seed: int, epoch: int, index: int) -> dict[str, Any]:
        """The example after the steps of its source.

        Raises:
            DataError: an op cannot use the example, or a feature is not of its type; says which.
        """
        source, _ = self.mixture.located(index)
        return self.pipelines[source].apply(example, seed, epoch, index)


def mixed(
    parts: tuple[Records, ...], pipelines: tuple[Pipeline, ...], weights: tuple[float, ...]
) -> tuple[Records, Pipeline | MixedPipeline]:
    """What a feed reads and does: of one source its own, of several a mixture that reads only what is needed."""
    if len(parts) == 1:
        return parts[0], pipelines[0]
    read = tuple(reading(part, pipeline.inputs) for part, pipeline in zip(parts, pipelines, strict=True))
    mixture = Mixture(read, weights)
    return mixture, MixedPipeline(pipelines, mixture)
