"""The filter of a split: its conditions typed, and compiled to one function of a raw example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bvc.compile.pipeline.pipeline import compile_pipeline
from bvc.compile.pipeline.run import Pipeline
from bvc.compile.pipeline.types import follow
from bvc.diagnostics import Diagnostic
from bvc.ir import DataNode


@dataclass(frozen=True)
class Condition:
    """What an example must fulfil to remain; picklable.

    `inputs` are the features that it reads.
    """

    pipeline: Pipeline

    @property
    def inputs(self) -> frozenset[str] | None:
        """The features that it reads."""
        return self.pipeline.inputs

    def __call__(self, example: Mapping[str, Any], number: int) -> bool:
        """Whether the example remains.

        Raises:
            DataError: a condition cannot read it.
        """
        return all(bool(verdict) for verdict in self.pipeline.apply(example, 0, 0, number).values())


def check_filter(data: DataNode) -> list[Diagnostic]:
    """What does not fit in the filter of a split."""
    return follow(data.features, data.filter).diagnostics


def compile_filter(data: DataNode) -> Condition:
    """The filter of a split as a function of a raw example.

    Raises:
        Failed: a condition does not fit the features.
    """
    verdicts = [name for condition in data.filter for name in condition.writes.values()]
    return Condition(compile_pipeline(data.features, data.filter, verdicts))
